"""Uploads as files in a directory.

Rule 1: an upload's offset is the length of its data file, whatever happened before.
Rule 2: the one exception: beside a chunk that is still to be verified lies ``<id>.unverified``
holding the verified length; bytes behind it do not count and are cut off before the next write.
Rule 3: paths are made of checked ids only, files are 0600 in directories of 0700.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Literal

from tusd_py.domain.errors import StorageDamaged, UploadNotFound
from tusd_py.domain.ids import UploadId, parse_upload_id
from tusd_py.stores.disk_writer import DiskWriter, disk_errors, sync_directory
from tusd_py.stores.linux import clone, reserve
from tusd_py.stores.port import Writer

RESERVE_FROM_BYTES: Final = 1 << 20
"""Smaller uploads are not worth a system call for their space."""
COPY_STEP_BYTES: Final = 1 << 30
_FLAGS: Final = os.O_CLOEXEC | os.O_NOFOLLOW


class DiskStore:
    """``stores.port``: UploadStore, Rewind and Concatenation on a local file system."""

    def __init__(self, root: Path, *, durability: Literal["finish", "strict", "off"]) -> None:
        self._root = root
        self._strict = durability == "strict"
        self._durable = durability != "off"
        for number in range(256):
            (root / f"{number:02x}").mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, upload_id: UploadId) -> Path:
        """See ``UploadStore.path``."""
        return self._root / upload_id[:2] / upload_id

    def _marker(self, upload_id: UploadId) -> Path:
        return self._root / upload_id[:2] / f"{upload_id}.unverified"

    def _draft(self, upload_id: UploadId) -> Path:
        return self._root / upload_id[:2] / f"{upload_id}.draft"

    # -- core

    def create(self, upload_id: UploadId) -> None:
        """See ``UploadStore.create``."""
        path = self.path(upload_id)
        with disk_errors():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS, 0o600)
            try:
                if self._strict:
                    os.fsync(descriptor)
                    sync_directory(path.parent)
            finally:
                os.close(descriptor)

    def offset(self, upload_id: UploadId) -> int:
        """See ``UploadStore.offset``."""
        with disk_errors():
            size = self.path(upload_id).stat().st_size
        verified = self._verified(upload_id)
        return size if verified is None else min(size, verified)

    def _verified(self, upload_id: UploadId) -> int | None:
        """The verified length while a chunk is in flight, or was when the server died."""
        with disk_errors():
            try:
                text = self._marker(upload_id).read_text("ascii")
            except FileNotFoundError:
                return None
        if not text.isdecimal():
            raise StorageDamaged
        return int(text)

    def modified_at(self, upload_id: UploadId) -> float:
        """See ``UploadStore.modified_at``."""
        with disk_errors():
            return self.path(upload_id).stat().st_mtime

    def writer(self, upload_id: UploadId, *, length: int | None) -> DiskWriter:
        """See ``UploadStore.writer``."""
        offset = self.offset(upload_id)
        path = self.path(upload_id)
        with disk_errors():
            descriptor = os.open(path, os.O_WRONLY | _FLAGS)
            try:
                self._cut_unverified(upload_id, descriptor, offset)
                self._reserve(descriptor, offset, length)
            except BaseException:
                os.close(descriptor)
                raise
        return DiskWriter(path, descriptor, offset, durable=self._durable)

    def _cut_unverified(self, upload_id: UploadId, descriptor: int, offset: int) -> None:
        if os.fstat(descriptor).st_size > offset:
            os.ftruncate(descriptor, offset)
        self._marker(upload_id).unlink(missing_ok=True)

    def _reserve(self, descriptor: int, offset: int, length: int | None) -> None:
        """Once per upload: a later writer finds the blocks reserved."""
        if not self._durable or length is None or length - offset < RESERVE_FROM_BYTES:
            return
        if os.fstat(descriptor).st_blocks * 512 < length:
            reserve(descriptor, offset, length - offset)

    def delete(self, upload_id: UploadId) -> bool:
        """See ``UploadStore.delete``."""
        found = False
        with disk_errors():
            for path in (self._marker(upload_id), self._draft(upload_id), self.path(upload_id)):
                try:
                    path.unlink()
                except FileNotFoundError:
                    continue
                found = True
        return found

    def ids(self) -> Iterator[UploadId]:
        """See ``UploadStore.ids``."""
        for directory in sorted(self._root.iterdir()):
            if not directory.is_dir():
                continue
            for entry in directory.iterdir():
                upload_id = parse_upload_id(entry.name)
                if upload_id is not None and upload_id.startswith(directory.name):
                    yield upload_id

    def free_bytes(self) -> int:
        """See ``UploadStore.free_bytes``."""
        with disk_errors():
            status = os.statvfs(self._root)
        return status.f_bavail * status.f_frsize

    # -- rewind

    def begin_unverified(self, writer: Writer) -> None:
        """See ``Rewind.begin_unverified``. Renamed into place: the marker is whole or absent."""
        marker = self._marker_of(writer)
        draft = marker.with_suffix(".marking")
        with disk_errors():
            draft.write_text(str(writer.offset), "ascii")
            draft.rename(marker)

    def keep(self, writer: Writer) -> None:
        """See ``Rewind.keep``."""
        with disk_errors():
            self._marker_of(writer).unlink(missing_ok=True)

    def discard(self, writer: Writer) -> None:
        """See ``Rewind.discard``. Cut first: a crash in between leaves the marker to do it again."""
        marker = self._marker_of(writer)
        verified = self._verified(UploadId(marker.stem))
        if verified is not None:
            writer.truncate(verified)
        with disk_errors():
            marker.unlink(missing_ok=True)

    def _marker_of(self, writer: Writer) -> Path:
        if not isinstance(writer, DiskWriter):
            raise TypeError("not a writer of this store")
        return self._marker(UploadId(writer.path.name))

    # -- concatenation

    def concatenate(self, into: UploadId, parts: Sequence[UploadId]) -> int:
        """See ``Concatenation.concatenate``: made beside the data file, then renamed over it."""
        draft = self._draft(into)
        if not self.path(into).exists():
            raise UploadNotFound
        with disk_errors():
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _FLAGS
            target = os.open(draft, flags, 0o600)
            try:
                for number, part in enumerate(parts):
                    self._add_part(target, part, first=number == 0)
                if self._durable:
                    os.fsync(target)
                length = os.fstat(target).st_size
            finally:
                os.close(target)
            draft.rename(self.path(into))
            if self._durable:
                sync_directory(draft.parent)
        return length

    def _add_part(self, target: int, part: UploadId, *, first: bool) -> None:
        source = os.open(self.path(part), os.O_RDONLY | _FLAGS)
        try:
            if not (first and clone(source, target)):
                _copy(source, target)
            os.lseek(target, 0, os.SEEK_END)
        finally:
            os.close(source)


def _copy(source: int, target: int) -> None:
    """All of ``source`` to where ``target`` stands, inside the kernel."""
    left = os.fstat(source).st_size
    while left > 0:
        count = os.copy_file_range(source, target, min(left, COPY_STEP_BYTES))
        if count == 0:
            break
        left -= count
