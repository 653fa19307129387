"""Plan the upload of a stream, whose length is sent with its last bytes.

What was read can't be read again, so that a piece is kept until the server has all of it.
"""

import base64
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from blake3 import blake3

from tusd_py.client.errors import Refused, TransientFailure
from tusd_py.client.file_upload import (
    Progress,
    RequestPlan,
    RetryPolicy,
    Sleep,
    UploadPlan,
    UploadResult,
)
from tusd_py.client.messages import Request, Response
from tusd_py.client.resumable import ResumableProtocol, Standing
from tusd_py.client.resume_store import SavedUpload

STREAM_PIECE_BYTES: Final = 8 << 20


@dataclass(slots=True, kw_only=True)
class StreamUpload:
    """Sends one stream to one endpoint."""

    stream: BinaryIO
    endpoint: str
    protocol: ResumableProtocol
    metadata: Mapping[str, str]
    progress: Progress
    retry_policy: RetryPolicy
    piece_bytes: int
    """Bytes that are sent by one request and kept in memory."""
    _saved: SavedUpload = field(default_factory=lambda: SavedUpload(""))
    _hash: blake3 = field(default_factory=blake3)
    _furthest: int = -1
    """The largest offset that was known at a failure."""

    def plan(self) -> UploadPlan:
        """Send the stream from its position to its end. Raises: Refused, Unreachable, OSError."""
        while not self._saved.url:
            try:
                yield from self._create()
            except TransientFailure as failure:
                yield self.retry_policy.pause(failure, moved=False)
        start, ended = 0, False
        while not ended:
            held = self._read()
            ended = len(held) < self.piece_bytes
            self._hash.update(held)
            yield from self._send(start, held, last=ended)
            start += len(held)
        return UploadResult(url=self._saved.url, token=self._saved.token, resumed_at=0)

    def _read(self) -> bytes:
        """Read a whole piece; it is shorter only at the end of the stream."""
        pieces, missing = [], self.piece_bytes
        while missing:
            piece = self.stream.read(missing)
            if not piece:
                break
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def _create(self) -> RequestPlan:
        made = yield self.protocol.creation(self.endpoint, None, self.metadata, instant=False)
        created = self.protocol.created(made, self.endpoint, None)
        self._saved = created.saved
        self.piece_bytes = self.protocol.limits(made).piece_bytes(self.piece_bytes)
        return created.standing

    def _send(
        self, start: int, held: bytes, *, last: bool
    ) -> Generator[Request | Sleep, Response, None]:
        """Send the piece from ``start``, again after failures; the last one with the length."""
        standing, end = Standing(start, complete=False), start + len(held)
        while standing.offset < end or (last and not standing.complete):
            try:
                content = held[standing.offset - start :]
                standing = yield from self._append(standing.offset, content, last=last)
            except TransientFailure as failure:
                moved = standing.offset > self._furthest
                yield self.retry_policy.pause(failure, moved=moved)
                self._furthest = max(self._furthest, standing.offset)
                standing = yield from self._find_standing(standing)
            if not start <= standing.offset <= end:
                raise Refused("the server has lost bytes that it had acknowledged")
        self.progress(standing.offset)

    def _append(self, offset: int, content: bytes, *, last: bool) -> RequestPlan:
        end, fields = offset + len(content), {}
        if last:
            digest = base64.b64encode(self._hash.digest()).decode()
            fields = {"Upload-Length": str(end), "Upload-Hash": f"blake3=:{digest}:"}
        answer = yield self.protocol.append(self._saved, offset, content, last=last, more=fields)
        size = end if last else None
        standing = self.protocol.appended(answer, end, last=last, size=size)
        standing.check_progress(offset)
        return standing

    def _find_standing(self, known: Standing) -> RequestPlan:
        """Return the server's standing; the last known one if the request fails."""
        try:
            answer = yield self.protocol.offset_request(self._saved)
            return self.protocol.found(answer, None)
        except TransientFailure:
            return known
