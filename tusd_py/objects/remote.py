"""An object store over the network: ``objects.port.ObjectStore`` on any ``bucket.Bucket``."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final
from urllib.parse import quote

from tusd_py.domain.errors import BackendError, TransientError
from tusd_py.objects.bucket import AccessDenied, Bucket, BucketError, ObjectGone, UploadGone
from tusd_py.objects.keys import OWNER_KEY, PREFIX, check_key, is_key
from tusd_py.objects.multipart_upload import CorruptObject, MultipartUpload, UploadProgress
from tusd_py.objects.parts import MIN_PART_BYTES, PartReader, Span, UploadStopped
from tusd_py.objects.port import UNREACHABLE, IncompleteUpload, MultipartState, StoredObject
from tusd_py.objects.retry import RetryingBucket

log = logging.getLogger(__name__)

REFUSED: Final = "The object store refused the request."
CORRUPT: Final = "The object store holds other bytes than were sent."


class RemoteObjects:
    """Puts in parts that any worker goes on with, checksums compared, signed links for downloads."""

    def __init__(
        self,
        bucket: Bucket,
        *,
        smallest_part: int = MIN_PART_BYTES,
        threads: int = 4,
        first_pause: float = 0.5,
        links: bool = True,
    ) -> None:
        """Args: smallest_part: bytes; a file of no more is put by one request; threads: parts of one
        file that are sent at the same time; first_pause: seconds before a request is repeated the
        first time; links: give signed links, or have downloads read through the server.
        """
        self._plain_bucket = bucket
        self._bucket = RetryingBucket(bucket, first_seconds=first_pause)
        self._smallest_part = smallest_part
        self._threads = threads
        self._first_pause = first_pause
        self._links = links

    def put_file(
        self,
        key: str,
        source: Path,
        *,
        content_hash: str,  # noqa: ARG002  (verified by the steps before; here the store's own checksum counts)
        content_type: str,
        ledger: MultipartState,
        progress: Callable[[int], None] | None = None,
    ) -> StoredObject:
        """See ``ObjectStore.put_file``."""
        size = source.stat().st_size
        sending = MultipartUpload(
            bucket=self._plain_bucket,
            key=check_key(key),
            source=source,
            size=size,
            content_type=content_type,
            state=ledger,
            progress=UploadProgress(progress),
            smallest_part=self._smallest_part,
            threads=self._threads,
            first_pause=self._first_pause,
        )
        with _translated("put"):
            sending.run()
        if progress is not None:
            progress(size)
        return StoredObject(key=key, size=size)

    def head(self, key: str) -> StoredObject | None:
        """See ``ObjectStore.head``."""
        check_key(key)
        with _translated("head"):
            found = self._bucket.head(key)
        return None if found is None else StoredObject(key=key, size=found.size)

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """See ``ObjectStore.read``. A connection that breaks is opened again where it broke."""
        check_key(key)
        with _translated("read"):
            try:
                yield from self._bucket.read(key, start, length)
            except ObjectGone as error:
                raise FileNotFoundError(key) from error

    def delete(self, key: str) -> bool:
        """See ``ObjectStore.delete``."""
        there = self.head(key) is not None
        with _translated("delete"):
            self._bucket.delete(key)
        return there

    def entries(self) -> Iterator[tuple[str, float]]:
        """See ``ObjectStore.entries``."""
        with _translated("entries"):
            yield from (entry for entry in self._bucket.list_keys(PREFIX) if is_key(entry[0]))

    def incomplete_uploads(self) -> Iterator[IncompleteUpload]:
        """See ``ObjectStore.incomplete_uploads``."""
        with _translated("incomplete uploads"):
            yield from (left for left in self._bucket.list_uploads(PREFIX) if is_key(left.key))

    def abort_upload(self, upload: IncompleteUpload) -> None:
        """See ``ObjectStore.abort_upload``."""
        with _translated("abort"):
            try:
                self._bucket.abort(upload.key, upload.upload_id)
            except UploadGone:
                return

    def owner(self) -> str | None:
        """See ``ObjectStore.owner``."""
        with _translated("owner"):
            found = self._bucket.head(OWNER_KEY)
            if found is None:
                return None
            return b"".join(self._bucket.read(OWNER_KEY, 0, found.size)).decode()

    def set_owner(self, identity: str) -> None:
        """See ``ObjectStore.set_owner``."""
        content = identity.encode()
        with TemporaryDirectory(prefix="tusd-py-") as folder, _translated("owner"):
            path = Path(folder) / "owner"
            path.write_bytes(content)
            with PartReader(path, Span(1, 0, len(content))) as body:
                self._bucket.put(OWNER_KEY, body, "text/plain")

    def check(self) -> None:
        """See ``ObjectStore.check``: the bucket lets us in."""
        try:
            self._bucket.check()
        except BucketError as error:
            raise BackendError(UNREACHABLE) from error

    def url(self, key: str) -> str:
        """See ``ObjectStore.url``: where the object is; without a signature it is for whoever may
        read the bucket. Raises: Transient: no credentials could be had."""
        check_key(key)
        with _translated("url"):
            return f"{self._bucket.address}/{quote(key)}"

    def link(self, key: str, *, disposition: str, seconds: float) -> str | None:
        """See ``ObjectStore.link``."""
        check_key(key)
        if not self._links:
            return None
        with _translated("link"):
            return self._bucket.link(key, disposition=disposition, seconds=seconds)


@contextmanager
def _translated(what: str) -> Iterator[None]:
    """A bucket's trouble in the project's words; its own go to the log."""
    try:
        yield
    except AccessDenied as error:
        log.warning("object.request.refused", extra={"request": what, "reason": str(error)})
        raise TransientError(REFUSED) from error
    except CorruptObject as error:
        log.warning("object.spoilt", extra={"reason": str(error)})
        raise TransientError(CORRUPT) from error
    except (BucketError, UploadStopped) as error:
        log.warning("object.request.failed", extra={"request": what, "reason": str(error)})
        raise TransientError(UNREACHABLE) from error
