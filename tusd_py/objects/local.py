"""Finished objects in a directory: whole and durable, or absent."""

import errno
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import blake3

from tusd_py.domain.errors import (
    BackendError,
    OutOfResources,
    PermanentError,
    StorageFull,
    TransientError,
)
from tusd_py.file_pieces import file_pieces
from tusd_py.objects.keys import OWNER_KEY, check_key
from tusd_py.objects.port import UNREACHABLE, IncompleteUpload, MultipartState, StoredObject
from tusd_py.private_files import FILE_MODE, close_to_others, make_private_directory, write_private
from tusd_py.storage.disk_space import DiskSpace, Reservation

COPY_BYTES: Final = 8 << 20
_NO_LINK: Final = (errno.EXDEV, errno.EPERM, errno.EMLINK, errno.ENOTSUP, errno.EACCES)
_NO_SPACE: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class LocalObjects:
    """``objects.port.ObjectStore`` on a local file system.

    On the file system of the source an object is a second name of the same bytes: nothing is
    copied. That is safe because a finished upload is never written again, and the janitor removes
    only the other name.
    """

    def __init__(self, root: Path, *, reserve: int = 0) -> None:
        """``reserve``: bytes that copies leave free on the file system of ``root``."""
        self._root = root
        self._space = DiskSpace(root, reserve=reserve)
        self._drafts = root / "drafts"
        make_private_directory(self._drafts)

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def put_file(
        self,
        key: str,
        source: Path,
        *,
        content_hash: str,
        content_type: str,  # noqa: ARG002  (kept in the pool's row)
        ledger: MultipartState,  # noqa: ARG002  (a link or a copy is begun anew)
        progress: Callable[[int], None] | None = None,
    ) -> StoredObject:
        """See ``ObjectStore.put_file``."""
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
        """Bytes durable under a draft's name, then the key's name, then the directory."""
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

    def head(self, key: str) -> StoredObject | None:
        """See ``ObjectStore.head``."""
        try:
            return StoredObject(key=key, size=self._path(key).stat().st_size)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TransientError("The object store reported an error.") from error

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        """See ``ObjectStore.read``."""
        return file_pieces(self._path(key), start, length)

    def delete(self, key: str) -> bool:
        """See ``ObjectStore.delete``."""
        try:
            self._path(key).unlink()
        except FileNotFoundError:
            return False
        return True

    def entries(self) -> Iterator[tuple[str, float]]:
        """See ``ObjectStore.entries``."""
        for path in (self._root / "pool").glob("*/*"):
            key = path.relative_to(self._root).as_posix()
            try:
                # A linked name keeps its bytes' time of writing: the name itself is newer.
                yield check_key(key), path.stat().st_ctime
            except (ValueError, FileNotFoundError):
                continue

    def incomplete_uploads(self) -> Iterator[IncompleteUpload]:
        """See ``ObjectStore.incomplete_uploads``: drafts."""
        for draft in self._drafts.iterdir():
            with suppress(FileNotFoundError):
                yield IncompleteUpload(
                    key="", upload_id=draft.name, begun_at=draft.lstat().st_ctime
                )

    def abort_upload(self, upload: IncompleteUpload) -> None:
        """See ``ObjectStore.abort_upload``."""
        (self._drafts / Path(upload.upload_id).name).unlink(missing_ok=True)

    def link(self, key: str, *, disposition: str, seconds: float) -> str | None:  # noqa: ARG002
        """See ``ObjectStore.link``: there is none."""
        return None

    def owner(self) -> str | None:
        """See ``ObjectStore.owner``."""
        try:
            return (self._root / OWNER_KEY).read_text("utf-8")
        except FileNotFoundError:
            return None

    def set_owner(self, identity: str) -> None:
        """See ``ObjectStore.set_owner``."""
        draft = self._drafts / secrets.token_hex(16)
        write_private(draft, identity.encode())
        _sync(draft, os.O_RDONLY)
        draft.rename(self._root / OWNER_KEY)

    def check(self) -> None:
        """See ``ObjectStore.check``: a draft can be written and is removed again."""
        try:
            with tempfile.TemporaryFile(dir=self._drafts, buffering=0) as draft:
                draft.write(b"x")
        except OSError as error:
            raise BackendError(UNREACHABLE) from error

    def url(self, key: str) -> str:
        """See ``ObjectStore.url``: the key as a path; where the directory is, is nobody's business."""
        return f"/{check_key(key)}"


def _copy(
    source: Path,
    draft: Path,
    content_hash: str,
    space: DiskSpace,
    progress: Callable[[int], None] | None,
) -> None:
    """To another file system, hashed on the way. Raises: StorageFull; Permanent: bits fell over."""
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
