"""Implement ``objects.port.ObjectStore`` over the network, on any ``bucket.Bucket``."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import quote

from typing_extensions import override

from tusd_py.domain.errors import BackendError, TransientError
from tusd_py.domain.service_failure import failure_text
from tusd_py.objects.bucket import AccessDenied, Bucket, BucketError, ObjectGone, UploadGone
from tusd_py.objects.keys import OWNER_KEY, PREFIX, check_key, is_key
from tusd_py.objects.multipart_upload import CorruptObject, MultipartUpload, UploadProgress
from tusd_py.objects.parts import MIN_PART_BYTES, PartReader, Span, UploadStopped
from tusd_py.objects.port import (
    UNREACHABLE,
    IncompleteUpload,
    MultipartState,
    ObjectStore,
    StoredObject,
)
from tusd_py.objects.retry import RetryingBucket

log = logging.getLogger(__name__)

REFUSED: Final = "The object store refused the request."
CORRUPT: Final = "The object store holds other bytes than were sent."


class RemoteObjects(ObjectStore):
    """Stores objects in a bucket.

    Large objects are sent in parts, and any worker can continue an upload. Checksums are compared,
    and downloads have signed links.
    """

    def __init__(
        self,
        bucket: Bucket,
        *,
        smallest_part: int = MIN_PART_BYTES,
        threads: int = 4,
        first_pause: float = 0.5,
        links: bool = True,
    ) -> None:
        """Wrap a bucket.

        Args: smallest_part: bytes; a file that is not larger is sent by one request; threads: parts
            of one file that are sent at the same time; first_pause: the first pause between two
            tries lasts at most this many seconds; links: give signed links, or let downloads be
            read through the server.
        """
        self._plain_bucket = bucket
        self._bucket = RetryingBucket(bucket, first_seconds=first_pause)
        self._smallest_part = smallest_part
        self._threads = threads
        self._first_pause = first_pause
        self._links = links

    @override
    def put_file(
        self,
        key: str,
        source: Path,
        *,
        content_hash: str,
        content_type: str,
        multipart_state: MultipartState,
        progress: Callable[[int], None] | None = None,
    ) -> StoredObject:
        """Store the file; the store verifies its own checksum of it.

        ``content_hash`` was verified by the steps before.
        """
        size = source.stat().st_size
        sending = MultipartUpload(
            bucket=self._plain_bucket,
            key=check_key(key),
            source=source,
            size=size,
            content_type=content_type,
            state=multipart_state,
            progress=UploadProgress(progress),
            smallest_part=self._smallest_part,
            threads=self._threads,
            first_pause=self._first_pause,
        )
        with self._translated("put"):
            sending.run()
        if progress is not None:
            progress(size)
        return StoredObject(key=key, size=size)

    @override
    def head(self, key: str) -> StoredObject | None:
        check_key(key)
        with self._translated("head"):
            found = self._bucket.head(key)
        return None if found is None else StoredObject(key=key, size=found.size)

    @override
    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """Yield the bytes; a connection that breaks is opened again where it broke."""
        check_key(key)
        with self._translated("read"):
            try:
                yield from self._bucket.read(key, start, length)
            except ObjectGone as error:
                raise FileNotFoundError(key) from error

    @override
    def delete(self, key: str) -> bool:
        there = self.head(key) is not None
        with self._translated("delete"):
            self._bucket.delete(key)
        return there

    @override
    def entries(self) -> Iterator[tuple[str, float]]:
        with self._translated("entries"):
            yield from (entry for entry in self._bucket.list_keys(PREFIX) if is_key(entry[0]))

    @override
    def incomplete_uploads(self) -> Iterator[IncompleteUpload]:
        with self._translated("incomplete uploads"):
            yield from (left for left in self._bucket.list_uploads(PREFIX) if is_key(left.key))

    @override
    def abort_upload(self, upload: IncompleteUpload) -> None:
        with self._translated("abort"):
            try:
                self._bucket.abort(upload.key, upload.upload_id)
            except UploadGone:
                return

    @override
    def owner(self) -> str | None:
        with self._translated("owner"):
            found = self._bucket.head(OWNER_KEY)
            if found is None:
                return None
            return b"".join(self._bucket.read(OWNER_KEY, 0, found.size)).decode()

    @override
    def set_owner(self, identity: str) -> None:
        content = identity.encode()
        with TemporaryDirectory(prefix="tusd-py-") as folder, self._translated("owner"):
            path = Path(folder) / "owner"
            path.write_bytes(content)
            with PartReader(path, Span(1, 0, len(content))) as body:
                self._bucket.put(OWNER_KEY, body, "text/plain")

    @override
    def check(self) -> None:
        """Check that the bucket accepts our credentials."""
        try:
            self._bucket.check()
        except BucketError as error:
            raise BackendError(UNREACHABLE, reason=self._reason(error)) from error

    @override
    def url(self, key: str) -> str:
        """Return the address of the object, without a signature.

        Raises: TransientError: there are no credentials.
        """
        check_key(key)
        with self._translated("url"):
            return f"{self._bucket.address}/{quote(key)}"

    @override
    def link(self, key: str, *, disposition: str, seconds: float) -> str | None:
        check_key(key)
        if not self._links:
            return None
        with self._translated("link"):
            return self._bucket.link(key, disposition=disposition, seconds=seconds)

    @contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """Turn the errors of a bucket into those of the domain; their own texts go to the log."""
        try:
            yield
        except AccessDenied as error:
            log.warning("object.request.refused", extra={"request": what, "reason": str(error)})
            raise TransientError(REFUSED, reason=self._reason(error)) from error
        except CorruptObject as error:
            log.warning("object.spoilt", extra={"reason": str(error)})
            raise TransientError(CORRUPT) from error
        except (BucketError, UploadStopped) as error:
            log.warning("object.request.failed", extra={"request": what, "reason": str(error)})
            raise TransientError(UNREACHABLE, reason=self._reason(error)) from error

    def _reason(self, error: Exception) -> str:
        try:
            address = self._bucket.address
        except BucketError:
            # S3 finds its address by signing one, for which the credentials may be missing.
            address = ""
        return failure_text("the object store, the bucket", address, str(error))
