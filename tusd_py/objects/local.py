"""Keep finished objects in a directory: each is whole and durable, or absent."""

import errno
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import blake3
from typing_extensions import override

from tusd_py.domain.errors import (
    BackendError,
    OutOfResources,
    PermanentError,
    StorageFull,
    TransientError,
)
from tusd_py.domain.service_failure import failure_text
from tusd_py.file_pieces import file_pieces
from tusd_py.objects.keys import OWNER_KEY, check_key
from tusd_py.objects.port import (
    UNREACHABLE,
    IncompleteUpload,
    MultipartState,
    ObjectStore,
    StoredObject,
)
from tusd_py.private_files import FILE_MODE, close_to_others, make_private_directory, write_private
from tusd_py.storage.disk_space import DiskSpace, Reservation

COPY_BYTES: Final = 8 << 20
_NO_LINK: Final = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES)
_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class LocalObjects(ObjectStore):
    """An ``ObjectStore`` on a local file system.

    On the file system of the source, an object is a hard link to the same bytes, so that nothing is
    copied. That is safe because a finished upload is never written again, and the janitor removes
    only the other link.
    """

    def __init__(self, root: Path, *, reserve: int = 0) -> None:
        """Use the directory ``root``; copies leave ``reserve`` bytes free on its file system."""
        self._root = root
        self._space = DiskSpace(root, reserve=reserve)
        self._drafts = root / "drafts"
        make_private_directory(self._drafts)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

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
        """Link or copy the file, from its start after an interruption.

        ``content_type`` is kept in the pool's row.
        """
        target = self._path(key)
        size = source.stat().st_size
        held = self.head(key)
        if held is None or held.size != size:
            try:
                self._place(source, target, content_hash, progress)
            except FileNotFoundError:
                raise
            except StorageFull as error:
                raise OutOfResources("The object store is full.") from error
            except OSError as error:
                if error.errno in _NO_SPACE:
                    raise OutOfResources("The object store is full.") from error
                raise TransientError("The object store reported an error.") from error
        if progress is not None:
            progress(size)
        return StoredObject(key=key, size=size)

    def _place(
        self,
        source: Path,
        target: Path,
        content_hash: str,
        progress: Callable[[int], None] | None,
    ) -> None:
        """Make the bytes durable as a draft, then rename the draft, then sync the directories."""
        draft = self._drafts / secrets.token_hex(16)
        try:
            try:
                os.link(source, draft, follow_symlinks=False)
            except OSError as error:
                if error.errno not in _NO_LINK:
                    raise
                self._space.check(source.stat().st_size)
                _copy(source, draft, content_hash, self._space, progress)
            # A tool may have made the source with another mode.
            close_to_others(draft, FILE_MODE)
            _sync(draft, os.O_RDONLY)
            make_private_directory(target.parent)
            draft.rename(target)
            for directory in (target.parent, target.parent.parent, self._root):
                _sync(directory, os.O_RDONLY | os.O_DIRECTORY)
        finally:
            draft.unlink(missing_ok=True)

    @override
    def head(self, key: str) -> StoredObject | None:
        try:
            return StoredObject(key=key, size=self._path(key).stat().st_size)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TransientError("The object store reported an error.") from error

    @override
    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        return file_pieces(self._path(key), start, length)

    @override
    def delete(self, key: str) -> bool:
        try:
            self._path(key).unlink()
        except FileNotFoundError:
            return False
        return True

    @override
    def entries(self) -> Iterator[tuple[str, float]]:
        for path in (self._root / "pool").glob("*/*"):
            key = path.relative_to(self._root).as_posix()
            try:
                # A hard link keeps the modification time of its bytes; ctime is the time of the
                # link.
                yield check_key(key), path.stat().st_ctime
            except (ValueError, FileNotFoundError):
                continue

    @override
    def incomplete_uploads(self) -> Iterator[IncompleteUpload]:
        """Yield the drafts."""
        for draft in self._drafts.iterdir():
            with suppress(FileNotFoundError):
                yield IncompleteUpload(
                    key="", upload_id=draft.name, begun_at=draft.lstat().st_ctime
                )

    @override
    def abort_upload(self, upload: IncompleteUpload) -> None:
        (self._drafts / Path(upload.upload_id).name).unlink(missing_ok=True)

    @override
    def link(self, key: str, *, disposition: str, seconds: float) -> str | None:
        """Return None: a directory has no signed links."""
        return None

    @override
    def owner(self) -> str | None:
        try:
            return (self._root / OWNER_KEY).read_text("utf-8")
        except FileNotFoundError:
            return None

    @override
    def set_owner(self, identity: str) -> None:
        draft = self._drafts / secrets.token_hex(16)
        write_private(draft, identity.encode())
        _sync(draft, os.O_RDONLY)
        draft.rename(self._root / OWNER_KEY)

    @override
    def check(self) -> None:
        """Check that a draft can be written; it is removed again."""
        try:
            with tempfile.TemporaryFile(dir=self._drafts, buffering=0) as draft:
                draft.write(b"x")
        except OSError as error:
            reason = failure_text("the object store, the directory", str(self._drafts), str(error))
            raise BackendError(UNREACHABLE, reason=reason) from error

    @override
    def url(self, key: str) -> str:
        """Return the key as a path; the place of the directory is not disclosed."""
        return f"/{check_key(key)}"


def _copy(
    source: Path,
    draft: Path,
    content_hash: str,
    space: DiskSpace,
    progress: Callable[[int], None] | None,
) -> None:
    """Copy to another file system, and compare the hash.

    Raises: StorageFull; PermanentError: the bytes have another hash.
    """
    hasher = blake3.blake3()
    buffer = memoryview(bytearray(COPY_BYTES))
    done = 0
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with (
        source.open("rb", buffering=0) as file,
        os.fdopen(os.open(draft, flags, 0o600), "wb", buffering=0) as output,
    ):
        reservation = Reservation(space, output.fileno(), 0, length=None)
        try:
            while count := file.readinto(buffer):
                if reservation.cover(done, count) < count:
                    raise StorageFull
                piece = buffer[:count]
                hasher.update(piece)
                while piece:
                    piece = piece[output.write(piece) or 0 :]
                done += count
                reservation.written(done)
                if progress is not None:
                    progress(done)
        finally:
            reservation.close(done)
    if hasher.hexdigest() != content_hash:
        raise PermanentError("The file was damaged on the server's disk.", code="corrupt")


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
