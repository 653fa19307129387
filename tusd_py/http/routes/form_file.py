"""Streams the field ``file`` of a multipart form as a body, without a copy (RFC 7578, RFC 2046).

Everything that is malformed is a ``ProtocolError``. The memory for a form is bounded: its boundary
here, the headers of one part by the parser (8 of 4 KiB), and the bytes before the file by
``BEFORE_FILE_BYTES``. A form of two files is refused, since one of them would be lost:
``BEHIND_FILE_BYTES`` are read behind the first. The file's content does not go through the parser,
which needs 50 ms for 64 KiB that contain many beginnings of boundaries.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from python_multipart.exceptions import FormParserError, MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from tusd_py.domain.errors import ClientDisconnected, ProtocolError
from tusd_py.ingest.asgi_body import Receive
from tusd_py.protocol.disposition import filename_of

FIELD: Final = b"file"
BEFORE_FILE_BYTES: Final = 64 * 1024
"""Most bytes of a form before its file, apart from the message in which the file begins."""
BEHIND_FILE_BYTES: Final = 64 * 1024
"""Most bytes behind the file in which another file is looked for."""
NOT_WHOLE: Final = "The body is not a whole multipart form."
_CONTENT_TYPE_CHARS: Final = 1024
_BOUNDARY: Final = re.compile(rb"[!-~](?:[ -~]{0,68}[!-~])?")
"""RFC 2046, 5.1.1: at most 70 characters, the last of them no space.

More characters are allowed here than in the RFC, since clients differ.
"""


class FormFile:
    """Reads a form up to its file; ``receive`` then returns only the file's bytes, as ASGI does."""

    def __init__(self, receive: Receive, content_types: Sequence[str]) -> None:
        """``content_types`` are the Content-Type fields of the request; there must be exactly one.

        Raises: ProtocolError: the type is no multipart form.
        """
        self._receive = receive
        boundary = _boundary(content_types)
        self._parser = MultipartParser(boundary, self._callbacks())
        self._boundary = boundary
        self._before_file = 0
        self._delimiter = b"\r\n--" + boundary
        self._tail = b""
        """Last bytes that were received, which may be the first bytes of the delimiter."""
        self._header_name = self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._found = False
        self._ended = False
        self._complete = False
        self._content: bytes | memoryview = b""
        self._chosen = False
        """Whether a file was chosen: a browser sends an empty name and no byte for none."""
        self._is_over = False
        self._has_second = False
        self.malformed = False
        """Whether the bytes that were received so far are no valid form."""
        self.problem = NOT_WHOLE
        """A sentence for the client, if the form is malformed."""
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

    async def begin(self) -> None:
        """Read the form up to the file's first byte.

        Raises: ProtocolError: there is no field named file; ClientDisconnected.
        """
        while not self._found:
            if not await self._read():
                raise ClientDisconnected
            if self.malformed:
                raise ProtocolError("The body is no multipart form.")
            if self._complete and not self._found:
                raise ProtocolError("The form has no field named file.")
            if not self._found and self._before_file > BEFORE_FILE_BYTES:
                raise ProtocolError(
                    f"The form has more than {BEFORE_FILE_BYTES} bytes before its field named file."
                )

    async def receive(self) -> dict[str, Any]:
        """Return the next piece of the file as a message; the last one when the part ends."""
        while not self._content and not self._ended:
            self.malformed = self.malformed or self._complete
            if self.malformed or not await self._read():
                return {"type": "http.disconnect"}
        self._chosen = self._chosen or bool(self._content)
        if self._ended and not await self._is_only_file():
            self.malformed = True
            return {"type": "http.disconnect"}
        body, self._content = self._content, b""
        return {"type": "http.request", "body": body, "more_body": not self._ended}

    async def _is_only_file(self) -> bool:
        """Read the form behind its file; return False if that is not the only one, or is none.

        What is malformed there does not matter, since the file is whole.
        """
        if not self._chosen:
            self.problem = "The form has no file: none was chosen."
            return False
        parser = MultipartParser(self._boundary, self._callbacks())
        data, self._tail = self._tail[2:], b""
        room = BEHIND_FILE_BYTES
        while not self._has_second:
            try:
                parser.write(data[:room])
            except FormParserError:
                break
            room -= len(data)
            if self._complete or self._is_over or room <= 0:
                break
            message = await self._receive()
            if message["type"] == "http.disconnect":
                break
            self._complete = not message.get("more_body", False)
            data = message.get("body", b"")
        if self._has_second:
            self.problem = "The form has more than one file in its field named file."
        return not self._has_second

    async def _read(self) -> bool:
        """Parse the next message of the server; return False if the client disconnected."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            return False
        self._complete = not message.get("more_body", False)
        body = message.get("body", b"")
        if not self._found:
            self._before_file += len(body)
            try:
                body = self._parse(body)
            except FormParserError:
                self.malformed = True
        if self._found and body:
            self._take(body)
        return True

    def _parse(self, data: bytes) -> bytes:
        """Parse up to the file's content. Returns: the remaining bytes, which begin the content."""
        at = 0
        while at < len(data) and not self._found:
            # The headers of a part end with an empty line, which may begin in the previous message.
            line = data.find(b"\r\n\r\n", at - 3) if at >= 3 else -1
            end = line + 4 if line >= 0 else len(data) if at >= 3 else at + 1
            self._parser.write(data[at:end])
            at = end
        return data[at:]

    def _take(self, data: bytes) -> None:
        """Set the content to the bytes before the delimiter, which no content has.

        Source: RFC 2046, 5.1.1.
        """
        held = self._tail + data if self._tail else data
        size = len(self._delimiter)
        at = held.find(self._delimiter)
        if at < 0:
            # The delimiter has only one CR: only the last CR can begin it.
            at = held.rfind(b"\r", max(0, len(held) - size + 1))
            at = at if at >= 0 and self._delimiter.startswith(held[at:]) else len(held)
        elif len(held) >= at + size + 2:
            behind = held[at + size : at + size + 2]
            self._ended = behind in (b"\r\n", b"--") or behind[:1] in (b" ", b"\t")
            self.malformed = self.malformed or not self._ended
        self._content = memoryview(held)[:at] if at < len(held) else held
        self._tail = held[at:]

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
        if self._found:
            self._has_second = self._has_second or filename != ""
            return
        self._found = True
        self._chosen = filename != ""
        self.filename = filename
        self.filetype = self._headers.get(b"content-type", b"").decode("latin-1")

    def _form_ended(self) -> None:
        self._is_over = True


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
