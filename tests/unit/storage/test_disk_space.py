"""Tests with a full disk: a small file system, and a limit on the size of files (fault 33)."""

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.ids import fresh_id
from support.small_disk import free_bytes, small_disk

from tusd_py.domain.errors import StorageFull
from tusd_py.domain.ids import UploadId
from tusd_py.storage import linux
from tusd_py.storage.disk import DiskStore
from tusd_py.storage.disk_space import RESERVED_FILES, DiskSpace

pytestmark = pytest.mark.slow

MIB = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 4 MiB."""
    with small_disk(tmp_path, 4) as mount:
        yield mount


def test_bytes_that_fit_are_kept_and_the_upload_resumes_once_there_is_space(disk: Path) -> None:
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


def test_a_length_that_cannot_fit_is_refused_before_its_first_byte(disk: Path) -> None:
    store, upload_id = DiskStore(disk / "uploads", durability="finish"), fresh_id()
    store.create(upload_id)
    free = free_bytes(disk)
    with pytest.raises(StorageFull):
        store.writer(upload_id, length=5 * MIB)
    assert free_bytes(disk) == free


RESERVE = 16 * MIB
BLOCKS = 128 << 10
"""Blocks that the file system itself needs for the names and extents of one test's files."""


@pytest.fixture(params=["tmpfs", "ext4"])
def large(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 64 MiB."""
    with small_disk(tmp_path, 64, kind=request.param) as mount:
        yield mount


@pytest.fixture(params=[True, False], ids=["allocates", "can't allocate"])
def allocates(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with and without preallocation, which NFS 3 and others do not have."""
    if not request.param:
        monkeypatch.setattr(linux, "fallocate", None)


def opened(disk: Path) -> DiskStore:
    """Open the store as a server process does."""
    return DiskStore(disk / "uploads", durability="off", space=DiskSpace(disk, reserve=RESERVE))


def send_until_full(
    store: DiskStore,
    length: int | None,
    sizes: Sequence[int],
    *,
    meanwhile: Callable[[], object] = lambda: None,
) -> UploadId:
    """Write a body in slices of these sizes, repeated, until the disk is full.

    ``meanwhile`` is called once the body has begun.
    """
    upload_id = fresh_id()
    store.create(upload_id)
    with store.writer(upload_id, length=length) as writer:
        meanwhile()
        for size in itertools.cycle(sizes):
            before = writer.offset
            try:
                writer.write([os.urandom(size)])
            except StorageFull:
                assert before <= writer.offset < before + size
                return upload_id
            assert writer.offset == before + size
    raise AssertionError


@pytest.mark.usefixtures("allocates")
class TestReserve:
    @pytest.mark.parametrize("length", [None, 34 * MIB], ids=["deferred", "declared"])
    @pytest.mark.parametrize("sizes", [(4 * MIB,), (5000,), (1, 3 * MIB, 70_000)], ids=str)
    def test_a_body_stops_at_the_reserve_and_resumes_once_there_is_space(
        self, large: Path, length: int | None, sizes: Sequence[int]
    ) -> None:
        store = opened(large)
        ballast = large / "ballast"

        def fill() -> None:
            with ballast.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, 16 * MIB)

        upload_id = send_until_full(store, length, sizes, meanwhile=fill)
        assert RESERVE - BLOCKS <= free_bytes(large) < RESERVE + 2 * MIB
        reached = store.offset(upload_id)
        assert reached > 16 * MIB
        with store.writer(upload_id, length=None) as writer, pytest.raises(StorageFull):
            writer.write([bytes(2 * MIB)])
        ballast.unlink()
        reached = store.offset(upload_id)
        with store.writer(upload_id, length=length) as writer:
            assert writer.offset == reached
            writer.write([bytes(2 * MIB)])
        assert store.offset(upload_id) == reached + 2 * MIB

    @pytest.mark.parametrize("length", [None, 16 * MIB], ids=["deferred", "declared"])
    def test_concurrent_bodies_together_stop_at_the_reserve(
        self, large: Path, length: int | None
    ) -> None:
        store = opened(large)
        begun = threading.Barrier(8)

        def send(_: int) -> UploadId:
            return send_until_full(store, length, (64 << 10, 3 * MIB), meanwhile=begun.wait)

        with ThreadPoolExecutor(8) as threads:
            bodies = list(threads.map(send, range(8)))
        held = sum(store.offset(body) for body in bodies)
        assert held > 30 * MIB
        assert free_bytes(large) >= RESERVE - BLOCKS

    def test_servers_that_share_the_disk_exceed_the_reserve_by_one_slice_at_most(
        self, large: Path
    ) -> None:
        with ThreadPoolExecutor(4) as threads:
            for body in [
                threads.submit(send_until_full, opened(large), None, (256 << 10,)) for _ in range(4)
            ]:
                body.result()
        assert free_bytes(large) >= RESERVE - 4 * (256 << 10) - BLOCKS

    def test_a_concatenation_stops_at_the_reserve(self, large: Path) -> None:
        store = opened(large)
        part, whole = fresh_id(), fresh_id()
        with store.begin(part, length=None) as writer:
            writer.write([os.urandom(10 * MIB)])
        store.create(whole)
        before = free_bytes(large)
        with pytest.raises(StorageFull):
            sum(store.concatenate(whole, [part] * 4))
        assert free_bytes(large) >= before - BLOCKS
        assert sum(store.concatenate(whole, [part])) == 10 * MIB

    def test_a_new_upload_is_refused_below_the_reserve(self, large: Path) -> None:
        store = opened(large)
        store.check_room(0, new=True)
        with pytest.raises(StorageFull):
            store.check_room(60 * MIB, new=True)
        send_until_full(store, None, (MIB, 4096))
        (large / "another program's").write_bytes(bytes(MIB))
        with pytest.raises(StorageFull):
            store.check_room(0, new=True)


def test_new_uploads_leave_inodes_for_others(tmp_path: Path) -> None:
    with small_disk(tmp_path, 8, kind="ext4") as disk:
        store = DiskStore(disk / "uploads", durability="off", space=DiskSpace(disk, reserve=MIB))

        def create_all() -> None:
            while True:
                store.check_room(0, new=True)
                store.create(fresh_id())

        with pytest.raises(StorageFull):
            create_all()
        assert os.statvfs(disk).f_favail >= RESERVED_FILES - 1


def test_a_full_disk_is_logged_once_and_not_for_each_request(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    space = DiskSpace(disk, reserve=16 * MIB)
    for _ in range(100):
        with pytest.raises(StorageFull):
            space.check(1)
    assert [record.message for record in caplog.records] == ["disk.full"]


LIMITED = """
import resource, sys
from pathlib import Path
from tusd_py.domain.errors import StorageFull
from tusd_py.domain.ids import UploadId
from tusd_py.storage.disk import DiskStore

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
