"""Plan the upload of a stream by tus 1.0 with a deferred length.

What was read can't be read again, so that a piece is kept until the server has all of it.
"""

import base64
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from blake3 import blake3

from tusd_py.client.errors import Refused
from tusd_py.client.file_upload import (
    Progress,
    RequestPlan,
    RetryPolicy,
    Sleep,
    TransientFailure,
    UploadPlan,
    UploadResult,
    offset_of,
    raise_for_creation,
    raise_for_status,
)
from tusd_py.client.origin import upload_address
from tusd_py.client.resume_store import SavedUpload
from tusd_py.client.tus_requests import (
    Request,
    Response,
    append_request,
    creation,
    offset_request,
)

STREAM_PIECE_BYTES: Final = 8 << 20


@dataclass(slots=True, kw_only=True)
class StreamUpload:
    """Sends one stream to one endpoint."""

    stream: BinaryIO
    endpoint: str
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
        made = yield creation(self.endpoint, None, self.metadata)
        raise_for_creation(made, self.endpoint)
        url = upload_address(self.endpoint, made.headers.get("location"))
        self._saved = SavedUpload(url, made.headers.get("upload-token"))
        return 0

    def _send(
        self, start: int, held: bytes, *, last: bool
    ) -> Generator[Request | Sleep, Response, None]:
        """Send the piece from ``start``, again after failures; the last one with the length."""
        offset, end, length_sent = start, start + len(held), False
        while offset < end or (last and not length_sent):
            try:
                offset = yield from self._append(offset, held[offset - start :], last=last)
                length_sent = True
            except TransientFailure as failure:
                yield self.retry_policy.pause(failure, moved=offset > self._furthest)
                self._furthest = max(self._furthest, offset)
                offset = yield from self._fetch_offset(offset)
            if not start <= offset <= end:
                raise Refused("the server has lost bytes that it had acknowledged")
        self.progress(offset)

    def _append(self, offset: int, content: bytes, *, last: bool) -> RequestPlan:
        headers = dict(self._saved.headers)
        if last:
            headers["Upload-Length"] = str(offset + len(content))
            digest = base64.b64encode(self._hash.digest()).decode()
            headers["Upload-Hash"] = f"blake3=:{digest}:"
        answer = yield append_request(self._saved.url, offset, content, headers)
        raise_for_status(answer, 204)
        reached = offset_of(answer, offset + len(content))
        if content and reached <= offset:
            raise TransientFailure("the server accepted none of the bytes that were sent")
        return reached

    def _fetch_offset(self, offset: int) -> RequestPlan:
        """Return the server's offset; the last known one if the request fails."""
        try:
            answer = yield offset_request(self._saved.url, self._saved.headers)
            raise_for_status(answer, 200, 204)
        except TransientFailure:
            return offset
        return offset_of(answer, None)
