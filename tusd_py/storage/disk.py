"""Stores uploads as files in a directory.

Rule 1: an upload's offset is the length of its data file, whatever happened before.
Rule 2: the only exception is a chunk that is not verified yet: next to the data file there is
``<id>.unverified``, a symbolic link whose target is the verified length in decimal. Bytes beyond it
do not count and are cut off before the next write. The kernel creates a link with its content in
one journal entry, which precedes the data's new length, so it is whole after kill -9 and after a
power cut.
Rule 3: the marker is read before the length. A reader that holds the upload's lock or the mutex of
its running hash, during which no marker can be set, thus never counts bytes that are rolled back.
Rule 4: paths are made of checked ids only, files have mode 0600 in directories of 0700, and no link
is followed.
"""

import errno
import os
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

from typing_extensions import override

from tusd_py.domain.errors import StorageDamaged, UploadNotFound
from tusd_py.domain.ids import UploadId, parse_upload_id
from tusd_py.private_files import make_private_directory
from tusd_py.storage.disk_reader import DiskReader
from tusd_py.storage.disk_space import DiskSpace, Reservation
from tusd_py.storage.disk_writer import DiskWriter, disk_errors, start_writeback, sync_directory
from tusd_py.storage.port import ChunkVerification, Concatenation, UploadExists, UploadStore, Writer

CHECK_FROM_BYTES: Final = 1 << 20
"""If less is expected, free space is checked only while it is written."""
COPY_STEP_BYTES: Final = 16 << 20
_FLAGS: Final = os.O_CLOEXEC | os.O_NOFOLLOW
_NO_COPY_RANGE: Final = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


class DiskStore(UploadStore, ChunkVerification, Concatenation):
    """Implements UploadStore, ChunkVerification and Concatenation on a local file system."""

    def __init__(
        self,
        root: Path,
        *,
        durability: Literal["finish", "strict", "off"],
        space: DiskSpace | None = None,
    ) -> None:
        """Create the directories.

        Args: space: account of the file system, shared with others that write to it; None: one of
            its own without a reserve.
        Raises: OSError: the directory cannot be created or used.
        """
        self._root = root
        self._root_text = str(root)
        self._space = space or DiskSpace(root)
        self._strict = durability == "strict"
        self._durable = durability != "off"
        for number in range(256):
            make_private_directory(root / f"{number:02x}")
        if self._durable:
            sync_directory(root)
            sync_directory(root.parent)

    def path(self, upload_id: UploadId) -> Path:
        """Return the path of the data file. It may not exist."""
        return Path(self._file(upload_id))

    def _file(self, upload_id: UploadId) -> str:
        """Return the path as a text: every request needs it, and a Path costs ten times as much."""
        return f"{self._root_text}/{upload_id[:2]}/{upload_id}"

    def _marker(self, upload_id: UploadId) -> Path:
        return self._root / upload_id[:2] / f"{upload_id}.unverified"

    def _draft(self, upload_id: UploadId) -> Path:
        return self._root / upload_id[:2] / f"{upload_id}.draft"

    # -- core

    @override
    def create(self, upload_id: UploadId) -> None:
        self.begin(upload_id, length=None).close()

    @override
    def begin(self, upload_id: UploadId, *, length: int | None) -> DiskWriter:
        path = self._file(upload_id)
        with disk_errors():
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
            except FileExistsError as error:
                raise UploadExists from error
            try:
                if self._strict:
                    os.fsync(descriptor)
                    sync_directory(Path(path).parent)
                self._check_rest(0, length)
            except BaseException:
                os.close(descriptor)
                Path(path).unlink()
                raise
        return self._writer(path, descriptor, 0, length)

    @override
    def offset(self, upload_id: UploadId) -> int:
        verified = self._verified(upload_id)
        with disk_errors():
            # Opened, since NFS shows the newest length only to a process that opens the file.
            descriptor = os.open(self._file(upload_id), os.O_RDONLY | _FLAGS)
            try:
                size = os.fstat(descriptor).st_size
            finally:
                os.close(descriptor)
        return size if verified is None else min(size, verified)

    def _verified(self, upload_id: UploadId) -> int | None:
        """Return the verified length during a chunk, or after the server died in one; else None."""
        with disk_errors():
            try:
                # No Path, for speed: every request does this, and there is rarely a link.
                text = os.readlink(f"{self._file(upload_id)}.unverified")  # noqa: PTH115
            except FileNotFoundError:
                return None
        if not text.isdecimal():
            raise StorageDamaged
        return int(text)

    @override
    def modified_at(self, upload_id: UploadId) -> float:
        with disk_errors():
            # No Path, for speed: every answer about an unfinished upload needs it.
            return os.lstat(self._file(upload_id)).st_mtime

    @override
    def writer(self, upload_id: UploadId, *, length: int | None) -> DiskWriter:
        path = self._file(upload_id)
        verified = self._verified(upload_id)
        with disk_errors():
            descriptor = os.open(path, os.O_WRONLY | _FLAGS)
            try:
                status = os.fstat(descriptor)
                offset = status.st_size
                if verified is not None:
                    offset = self._cut_unverified(upload_id, descriptor, min(offset, verified))
                elif _ahead(status) > CHECK_FROM_BYTES:
                    _free_ahead(descriptor, status)
                self._check_rest(offset, length)
            except BaseException:
                os.close(descriptor)
                raise
        return self._writer(path, descriptor, offset, length)

    def _writer(self, path: str, descriptor: int, offset: int, length: int | None) -> DiskWriter:
        reservation = Reservation(self._space, descriptor, offset, length=length)
        return DiskWriter(path, descriptor, offset, space=reservation, durable=self._durable)

    def _check_rest(self, offset: int, length: int | None) -> None:
        """Raise StorageFull before the first byte if the rest does not fit now.

        Nothing is reserved.
        """
        if length is not None and length - offset > CHECK_FROM_BYTES:
            self._space.check(length - offset)

    def _cut_unverified(self, upload_id: UploadId, descriptor: int, offset: int) -> int:
        """Cut the file first: after a crash in between, the marker is there to repeat it."""
        os.ftruncate(descriptor, offset)
        self._marker(upload_id).unlink(missing_ok=True)
        return offset

    @override
    def reader(self, upload_id: UploadId) -> DiskReader:
        return DiskReader(self.path(upload_id))

    @override
    def local_file(self, upload_id: UploadId, copy: Path) -> Path:
        path = self.path(upload_id)
        with disk_errors():
            path.lstat()
        return path

    @override
    def location(self, upload_id: UploadId) -> str:
        return self._file(upload_id)

    @override
    def delete(self, upload_id: UploadId) -> bool:
        """Remove the data file last, so that ``ids`` finds the upload after a crash."""
        found = False
        with disk_errors():
            for path in (self._marker(upload_id), self._draft(upload_id), self.path(upload_id)):
                try:
                    path.unlink()
                except FileNotFoundError:
                    continue
                found = True
        return found

    @override
    def ids(self) -> Iterator[UploadId]:
        """Yield the uploads whose data file has a valid name; ignore all other files."""
        for directory in sorted(self._root.iterdir()):
            if not directory.is_dir():
                continue
            for entry in directory.iterdir():
                upload_id = parse_upload_id(entry.name)
                if upload_id is not None and entry.name[:2] == directory.name:
                    yield upload_id

    @override
    def check_room(self, count: int, *, new: bool = False) -> None:
        with disk_errors():
            self._space.check(count, new=new)

    @override
    def preallocated(self, upload_id: UploadId) -> int:
        with disk_errors():
            ahead = _ahead(self.path(upload_id).lstat())
        return ahead if ahead > CHECK_FROM_BYTES else 0

    @override
    def release_preallocated(self, upload_id: UploadId) -> None:
        """Open a writer, which frees the space, and close it."""
        self.writer(upload_id, length=None).close()

    # -- verification of chunks

    @override
    def begin_chunk(self, writer: Writer) -> None:
        """Create the marker, or keep an earlier one: no byte beyond it was verified."""
        own, upload_id = self._own(writer)
        with disk_errors():
            try:
                self._marker(upload_id).symlink_to(str(own.offset))
            except FileExistsError:
                return
        own.mark_directory_dirty()

    @override
    def commit_chunk(self, writer: Writer) -> None:
        """Remove the marker; this is durable with the writer's next ``sync``."""
        own, upload_id = self._own(writer)
        with disk_errors():
            self._marker(upload_id).unlink(missing_ok=True)
        own.mark_directory_dirty()

    @override
    def rollback_chunk(self, writer: Writer) -> None:
        """Cut the file before the marker is removed, so that a crash in between is repaired."""
        own, upload_id = self._own(writer)
        verified = self._verified(upload_id)
        if verified is not None:
            own.truncate(verified)
        self.commit_chunk(own)

    def _own(self, writer: Writer) -> tuple[DiskWriter, UploadId]:
        if not isinstance(writer, DiskWriter):
            raise TypeError("not a writer of this store")
        return writer, UploadId(writer.path.name)

    # -- concatenation

    @override
    def concatenate(self, into: UploadId, parts: Sequence[UploadId]) -> Generator[int, None, None]:
        """Make a draft first, and rename it to the data file."""
        if not self.path(into).exists():
            raise UploadNotFound
        draft = self._draft(into)
        try:
            with disk_errors():
                self._space.check(sum(self.path(part).stat().st_size for part in parts))
                yield from self._assemble(draft, parts)
                draft.rename(self.path(into))
                if self._durable:
                    sync_directory(draft.parent)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def _assemble(self, draft: Path, parts: Sequence[UploadId]) -> Generator[int, None, None]:
        target = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FLAGS, 0o600)
        position = 0
        reservation = Reservation(self._space, target, 0, length=None)
        try:
            for part in parts:
                source = os.open(self.path(part), os.O_RDONLY | _FLAGS)
                try:
                    for count in _copy(source, target, reservation):
                        if self._durable:
                            # The sync at the end is short then, and delays no other sync.
                            start_writeback(target, position, count)
                        position += count
                        yield count
                finally:
                    os.close(source)
            if self._durable:
                os.fsync(target)
        finally:
            reservation.close(os.fstat(target).st_size)
            os.close(target)


def _ahead(status: os.stat_result) -> int:
    """Return the bytes of blocks that a file has beyond its length."""
    return status.st_blocks * 512 - status.st_size


def _free_ahead(descriptor: int, status: os.stat_result) -> None:
    """Free the blocks that a crash left beyond the file's end; its times stay (expiry)."""
    os.ftruncate(descriptor, status.st_size)
    os.utime(descriptor, ns=(status.st_atime_ns, status.st_mtime_ns))


def _copy(source: int, target: int, space: Reservation) -> Generator[int, None, None]:
    """Copy ``source`` to the position of ``target`` inside the kernel.

    File systems with reflinks share the blocks if the positions allow it.

    Yields: number of bytes copied. Raises: OSError.
    """
    left = os.fstat(source).st_size
    while left > 0:
        step = min(left, COPY_STEP_BYTES)
        end = os.lseek(target, 0, os.SEEK_CUR)
        if space.cover(end, step) < step:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        count = _copy_step(source, target, step)
        if count == 0:
            raise OSError(errno.EIO, "the part is shorter than it was")
        left -= count
        space.written(end + count)
        yield count


def _copy_step(source: int, target: int, count: int) -> int:
    try:
        return os.copy_file_range(source, target, count)
    except OSError as error:
        if error.errno not in _NO_COPY_RANGE:
            raise
    return os.sendfile(target, source, None, count)
