"""Reads a multipart form up to the content of its field ``file`` (RFC 7578, RFC 2046).

Everything that is malformed is a ``ProtocolError``. The memory for a form is bounded: its boundary
here, the headers of one part by the parser (8 of 4 KiB), and the bytes before the file by
``BEFORE_FILE_BYTES``. What follows is ``form_content``'s.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from tusd_py.domain.errors import ClientDisconnected, ProtocolError
from tusd_py.http.routes.form_content import FormContent
from tusd_py.ingest.asgi_body import Receive
from tusd_py.protocol.disposition import filename_of

FIELD: Final = b"file"
BEFORE_FILE_BYTES: Final = 64 * 1024
"""Most bytes of a form before its file, apart from the message in which the file begins."""
_CONTENT_TYPE_CHARS: Final = 1024
_BOUNDARY: Final = re.compile(rb"[!-~](?:[ -~]{0,68}[!-~])?")
"""RFC 2046, 5.1.1: at most 70 characters, the last of them no space.

More characters are allowed here than in the RFC, since clients differ.
"""


class FormFile:
    """Reads a form up to its file."""

    def __init__(self, receive: Receive, content_types: Sequence[str]) -> None:
        """``content_types`` are the Content-Type fields of the request; there must be exactly one.

        Raises: ProtocolError: the type is no multipart form.
        """
        self._receive = receive
        self._boundary = _boundary(content_types)
        self._parser = MultipartParser(self._boundary, self._callbacks())
        self._before_file = 0
        self._header_name = self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._content: FormContent | None = None
        self.early = b""
        """The bytes that were received beyond the beginning of the file."""
        self.is_received = False
        """Whether the whole body was received."""
        self.filename = ""
        self.filetype = ""

    def _callbacks(self) -> Any:  # noqa: ANN401  (the parser's own mapping type)
        return {
            "on_part_begin": self._part_began,
            "on_header_field": self._header_field,
            "on_header_value": self._header_text,
            "on_header_end": self._header_ended,
            "on_headers_finished": self._headers_ended,
            "on_end": self._form_ended,
        }

    async def begin(self) -> FormContent:
        """Read the form up to the file's first byte.

        Raises: ProtocolError: there is no field named file; ClientDisconnected.
        """
        while self._content is None:
            await self._read()
        return self._content

    async def _read(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        self.is_received = not message.get("more_body", False)
        data = message.get("body", b"")
        self._before_file += len(data)
        try:
            self.early = self._parse(data)
        except FormParserError as error:
            raise ProtocolError("The body is no multipart form.") from error
        if self._content is not None:
            return
        if self.is_received:
            raise ProtocolError("The form has no field named file.")
        if self._before_file > BEFORE_FILE_BYTES:
            raise ProtocolError(
                f"The form has more than {BEFORE_FILE_BYTES} bytes before its field named file."
            )

    def _parse(self, data: bytes) -> bytes:
        """Parse up to the file's content. Returns: the remaining bytes, which begin the content."""
        at = 0
        while at < len(data) and self._content is None:
            # The headers of a part end with an empty line, which may begin in the previous message.
            line = data.find(b"\r\n\r\n", at - 3) if at >= 3 else -1
            end = line + 4 if line >= 0 else len(data) if at >= 3 else at + 1
            self._parser.write(data[at:end])
            at = end
        return data[at:]

    # -- the parser's callbacks

    def _part_began(self) -> None:
        self._headers = {}

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _header_text(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _header_ended(self) -> None:
        name = self._header_name.lower()
        if name in self._headers:
            raise MultipartParseError("a part has a header twice")
        self._headers[name] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_ended(self) -> None:
        disposition = self._headers.get(b"content-disposition", b"")
        _, options = parse_options_header(disposition)
        filename = filename_of(disposition)
        # A part without a name is no file (RFC 7578, 4.2).
        if options.get(b"name") != FIELD or filename is None:
            return
        if self._content is not None:
            if filename:
                self._content.note_second()
            return
        behind = MultipartParser(self._boundary, self._callbacks())
        self._content = FormContent(self._boundary, behind, chosen=filename != "")
        self.filename = filename
        self.filetype = self._headers.get(b"content-type", b"").decode("latin-1")

    def _form_ended(self) -> None:
        if self._content is not None:
            self._content.note_end()


def _boundary(content_types: Sequence[str]) -> bytes:
    """Return the boundary of the parts. Raises: ProtocolError: there is not exactly one."""
    content_type = content_types[0] if len(content_types) == 1 else ""
    if len(content_type) <= _CONTENT_TYPE_CHARS and content_type.lower().count("boundary=") == 1:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        if kind.strip() == b"multipart/form-data" and _BOUNDARY.fullmatch(boundary):
            return boundary
    raise ProtocolError(
        "The header Content-Type must be multipart/form-data with a boundary of at most "
        "70 characters."
    )
