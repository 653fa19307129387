"""Decide how a download continues, and what responses mean; nothing here sends or waits."""

import re
from typing import Final

import httpx
from blake3 import blake3

from tusd_py.bounded_http import is_plain
from tusd_py.client.answers import refusal, transient_failure
from tusd_py.client.errors import Refused, TransientFailure
from tusd_py.client.messages import Response, byte_count
from tusd_py.client.names import name_in
from tusd_py.client.targets import Target
from tusd_py.protocol.fields import parse_date

DEFAULT_NAME: Final = "file"
MAX_REDIRECTS: Final = 5
REDIRECTS: Final = (301, 302, 303, 307, 308)
_TRANSIENT_STATUS: Final = (423, 425, 429)
_PART: Final = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18}|\*)", re.ASCII)
_BLAKE3: Final = re.compile(r'"([0-9a-f]{64})"')


class Download:
    """Writes one file to ``target``, from any number of responses."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._received = 0
        self._total: int | None = None
        self._end = 0
        """The offset at which the bytes of the present response end."""
        self._etag = ""
        self.modified: float | None = None
        """Unix seconds when the file was last changed, by its Last-Modified."""
        self._furthest = 0
        self._hash = blake3()
        self._verifies = False

    def headers(self) -> dict[str, str]:
        """Return the headers of the next request: from the first missing byte."""
        if not self._received:
            return {}
        return {"Range": f"bytes={self._received}-", "If-Range": self._etag}

    def begin_response(self, response: httpx.Response, answer: Response, *, own: bool) -> None:
        """Begin with a response, whose body follows.

        Args: answer: with the body of a refusal; own: it comes from the endpoint, whose ETag is the
            BLAKE3 of the bytes.
        Raises: Refused, TransientFailure, OSError.
        """
        if answer.status in _TRANSIENT_STATUS or answer.status >= 500:
            raise transient_failure(answer)
        if answer.status == 416 and self._received:
            self._restart()
            raise TransientFailure("the file has become shorter on the server")
        if answer.status not in (200, 206) or (answer.status == 206 and not self._received):
            raise refusal(answer)
        if not is_plain(response):
            raise Refused("the server compressed the file, which was not requested")
        etag = answer.headers.get("etag", "")
        if answer.status == 206:
            self._continue(answer, etag)
            return
        self._restart()
        self._total = byte_count(answer.headers.get("content-length", ""))
        if self._total is None:
            raise Refused("the server does not state the length of the file")
        self._end = self._total
        # Weak validators (RFC 9110, 8.8.1) do not guarantee the same bytes.
        self._etag = etag if etag.startswith('"') else ""
        # What an object store tells is the time at which it got the object.
        self.modified = parse_date(answer.headers.get("last-modified", "")) if own else None
        self._verifies = own and _BLAKE3.fullmatch(etag) is not None
        self._target.open(name_in(answer.headers.get("content-disposition", "")) or DEFAULT_NAME)

    def _continue(self, answer: Response, etag: str) -> None:
        """Check that the bytes of a 206 follow those that are there; it may have only some of them.

        Source: RFC 9110, 14.4 and 15.3.7.
        """
        part = _PART.fullmatch(answer.headers.get("content-range", ""))
        if part is None or etag != self._etag or not self._follows(*part.groups()):
            self._restart()
            raise TransientFailure("the server continued with other bytes")
        self._end = int(part[2]) + 1

    def _follows(self, first: str, last: str, total: str) -> bool:
        size = self._total or 0
        return int(first) == self._received <= int(last) < size and total in (str(size), "*")

    def _restart(self) -> None:
        if self._received:
            self._target.truncate()
        self._received, self._hash = 0, blake3()

    def write(self, piece: bytes) -> int:
        """Write a piece and return the number of bytes that arrived. Raises: Refused, OSError."""
        if self._received + len(piece) > self._end:
            raise Refused("the server sent more bytes than it had stated")
        self._target.write(piece)
        if self._verifies:
            self._hash.update(piece)
        self._received += len(piece)
        return self._received

    def has_progressed(self) -> bool:
        """Return whether more bytes arrived than before the last failure.

        Bytes without a strong ETag can't be continued, so that they are discarded.
        """
        moved = self._received > self._furthest
        self._furthest = max(self._furthest, self._received)
        if not self._etag:
            self._restart()
        return moved

    def verify(self) -> None:
        """Check the file after a response has ended.

        Raises: TransientFailure: bytes are missing, or they have another hash than the server
            states.
        """
        if self._received != self._total:
            raise TransientFailure("the file ended early")
        found = _BLAKE3.fullmatch(self._etag)
        if self._verifies and found is not None and found[1] != self._hash.hexdigest():
            self._restart()
            raise TransientFailure("the received bytes have another hash than the server states")
