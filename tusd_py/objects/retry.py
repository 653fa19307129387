"""Retry the requests to a bucket a few times, with growing pauses (fault 28)."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeVar

from typing_extensions import override

from tusd_py.backoff import Backoff
from tusd_py.domain.multipart import Part
from tusd_py.objects.bucket import (
    Bucket,
    BucketError,
    ObjectGone,
    ObjectInfo,
    TransientBucketError,
)
from tusd_py.objects.parts import PartReader
from tusd_py.objects.port import IncompleteUpload

log = logging.getLogger(__name__)
T = TypeVar("T")

TRIES: Final = 5
LONGEST_SECONDS: Final = 20.0


class RetryingBucket(Bucket):
    """A ``Bucket`` that repeats the requests of another one when they end in TransientBucketError.

    Rule 1: requests that may safely be made twice are retried: head, put, create_upload, put_part,
    list_parts, complete and delete. A body goes back to its start first.
    Rule 2: a read continues where it broke, as long as each connection brings some bytes.
    Rule 3: ``check``, ``list_keys``, ``list_uploads``, ``abort`` and ``link`` are made once; their
    callers run again anyway.
    """

    def __init__(
        self,
        bucket: Bucket,
        *,
        wait: Callable[[float], object] = time.sleep,
        first_seconds: float = 0.5,
    ) -> None:
        """Wrap ``bucket``.

        Args: wait: waits for a number of seconds; what it raises ends the request. first_seconds:
            the pause before the second try is a random share of this; the range doubles for each
            next one.
        """
        self._bucket = bucket
        self._wait = wait
        # Full jitter.
        self._backoff = Backoff.doubling(first_seconds, LONGEST_SECONDS, spread=(0.0, 1.0))

    def _retry(self, name: str, request: Callable[[], T], body: PartReader | None = None) -> T:
        """Return the result of the request. Raises: its last error; what ``wait`` raises."""
        for tried in range(1, TRIES):
            try:
                return request()
            except TransientBucketError as error:
                log.info(
                    "object.request.repeated",
                    extra={"request": name, "tried": tried, "reason": str(error)},
                )
                self._wait(self._backoff.pause(tried))
                if body is not None:
                    body.seek(0)
        return request()

    @property
    @override
    def address(self) -> str:
        return self._bucket.address

    @override
    def check(self) -> None:
        self._bucket.check()

    @override
    def head(self, key: str) -> ObjectInfo | None:
        return self._retry("head", lambda: self._bucket.head(key))

    @override
    def checksum(self, body: PartReader) -> str:
        return self._bucket.checksum(body)

    @override
    def checksum_matches(self, found: ObjectInfo, parts: Sequence[Part]) -> bool:
        return self._bucket.checksum_matches(found, parts)

    @override
    def put(self, key: str, body: PartReader, content_type: str) -> Part:
        return self._retry("put", lambda: self._bucket.put(key, body, content_type), body)

    @override
    def create_upload(self, key: str, content_type: str) -> str:
        return self._retry("create", lambda: self._bucket.create_upload(key, content_type))

    @override
    def put_part(self, key: str, upload_id: str, number: int, body: PartReader) -> Part:
        return self._retry(
            "part", lambda: self._bucket.put_part(key, upload_id, number, body), body
        )

    @override
    def list_parts(self, key: str, upload_id: str) -> dict[int, tuple[str, int]]:
        return self._retry("parts", lambda: self._bucket.list_parts(key, upload_id))

    @override
    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        self._retry("complete", lambda: self._bucket.complete(key, upload_id, parts))

    @override
    def abort(self, key: str, upload_id: str) -> None:
        self._bucket.abort(key, upload_id)

    @override
    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        while length > 0:
            before = length
            try:
                for piece in self._bucket.read(key, start, length):
                    start += len(piece)
                    length -= len(piece)
                    yield piece
            except ObjectGone:
                raise
            except BucketError:
                if length == before:
                    raise
                log.info("object.read.again", extra={"key": key, "left": length})

    @override
    def delete(self, key: str) -> None:
        self._retry("delete", lambda: self._bucket.delete(key))

    @override
    def list_keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        return self._bucket.list_keys(prefix)

    @override
    def list_uploads(self, prefix: str) -> Iterator[IncompleteUpload]:
        return self._bucket.list_uploads(prefix)

    @override
    def link(self, key: str, *, disposition: str, seconds: float) -> str:
        return self._bucket.link(key, disposition=disposition, seconds=seconds)
