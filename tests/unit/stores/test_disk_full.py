"""A disk that is really full: a small tmpfs, and a limit on the size of files (fault 33)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.room import fresh_id
from support.small_disk import small_disk

from tusd_py.domain.errors import StorageFull
from tusd_py.stores.disk import DiskStore

MIB = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """4 MiB."""
    with small_disk(tmp_path, 4) as mount:
        yield mount


def test_what_fits_is_kept_and_the_upload_goes_on_once_there_is_space(disk: Path) -> None:
    store, upload_id = DiskStore(disk / "uploads", durability="finish"), fresh_id()
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(2 * MIB))
    content = os.urandom(3 * MIB)
    store.create(upload_id)
    with store.writer(upload_id, length=None) as writer:
        with pytest.raises(StorageFull):
            writer.write([content])
        kept = writer.offset
        assert 0 < kept < len(content)
        assert store.offset(upload_id) == kept
        ballast.unlink()
        writer.write([memoryview(content)[kept:]])
        writer.sync()
    assert store.path(upload_id).read_bytes() == content


def test_what_can_not_fit_is_refused_before_its_first_byte(disk: Path) -> None:
    store, upload_id = DiskStore(disk / "uploads", durability="finish"), fresh_id()
    store.create(upload_id)
    free = store.free_bytes()
    with pytest.raises(StorageFull):
        store.writer(upload_id, length=5 * MIB)
    assert store.free_bytes() == free


LIMITED = """
import resource, sys
from pathlib import Path
from tusd_py.domain.errors import StorageFull
from tusd_py.domain.ids import UploadId
from tusd_py.stores.disk import DiskStore

store, upload_id = DiskStore(Path(sys.argv[1]), durability="finish"), UploadId("0" * 32)
store.create(upload_id)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
with store.writer(upload_id, length=None) as writer:
    try:
        writer.write([bytes(60_000), bytes(60_000)])
    except StorageFull:
        print(writer.offset, store.offset(upload_id))
"""


def test_a_limit_on_the_size_of_files_is_a_full_disk(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(tmp_path / "uploads")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "100000 100000\n"
