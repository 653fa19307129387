"""The field ``file`` of a multipart form, as a body: streamed, never gathered."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from tusd_py.domain.errors import ClientDisconnected, ProtocolError
from tusd_py.ingest.asgi_body import Receive

FIELD: Final = b"file"
_MAX_PART_HEADER_BYTES: Final = 16 * 1024


class FormFile:
    """Reads a form up to its file; ``receive`` then gives the file's bytes alone, as ASGI does.

    Raises: ProtocolError: it is no multipart form.
    """

    def __init__(self, receive: Receive, content_type: str) -> None:
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise ProtocolError("The body must be multipart/form-data with a field named file.")
        self._receive = receive
        self._parser = MultipartParser(boundary, self._callbacks())
        self._header_name = self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._in_file = False
        self._found = False
        self._ended = False
        self._complete = False
        self._chunks: deque[bytes] = deque()
        self.malformed = False
        """Set when the body turned out to be no form while it was received."""
        self.filename = ""
        self.filetype = ""

    def _callbacks(self) -> Any:  # noqa: ANN401  (the parser's own mapping type)
        return {
            "on_part_begin": self._part_began,
            "on_header_field": self._header_field,
            "on_header_value": self._header_text,
            "on_header_end": self._header_ended,
            "on_headers_finished": self._headers_ended,
            "on_part_data": self._part_data,
            "on_part_end": self._part_ended,
        }

    async def begin(self) -> None:
        """Read up to the file's first byte.

        Raises: ProtocolError: there is no field named file; ClientDisconnected.
        """
        while not self._found:
            if not await self._read():
                raise ClientDisconnected
            if self.malformed or (self._complete and not self._found):
                raise ProtocolError("The form has no field named file.")

    async def receive(self) -> dict[str, Any]:
        """The next piece of the file; its last one when the part ends."""
        while not self._chunks and not self._ended:
            self.malformed = self.malformed or self._complete
            if self.malformed or not await self._read():
                return {"type": "http.disconnect"}
        body = b"".join(self._chunks)
        self._chunks.clear()
        return {"type": "http.request", "body": body, "more_body": not self._ended}

    async def _read(self) -> bool:
        """Parse what the server has; False when the client went away."""
        message = await self._receive()
        if message["type"] == "http.disconnect":
            return False
        self._complete = not message.get("more_body", False)
        try:
            self._parser.write(message.get("body", b""))
        except MultipartParseError:
            self.malformed = True
        return True

    # -- the parser's callbacks

    def _part_began(self) -> None:
        self._headers = {}
        self._in_file = False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]
        self._bound(self._header_name)

    def _header_text(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        self._bound(self._header_value)

    def _bound(self, text: bytes) -> None:
        if len(text) > _MAX_PART_HEADER_BYTES:
            raise MultipartParseError("a part's header is too long")

    def _header_ended(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _headers_ended(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if self._found or options.get(b"name") != FIELD:
            return
        self._in_file = self._found = True
        self.filename = _text(options, b"filename")
        self.filetype = self._headers.get(b"content-type", b"").decode("latin-1")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._chunks.append(data[start:end])

    def _part_ended(self) -> None:
        self._ended = self._ended or self._in_file
        self._in_file = False


def _text(options: Mapping[bytes, bytes], name: bytes) -> str:
    return options.get(name, b"").decode("utf-8", "replace")
