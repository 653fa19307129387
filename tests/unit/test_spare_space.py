"""The databases on a disk that is full to its last block, with and without space kept for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.catalog import finished, upload
from support.clock import FakeClock
from support.ids import ME, fresh_id
from support.small_disk import fill, free_bytes, small_disk

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.sql_catalog import SqlCatalog, sqlite_url
from tusd_py.domain.errors import StorageFull
from tusd_py.domain.task import TaskChange, TaskFacts, TaskStatus
from tusd_py.domain.upload import UploadState
from tusd_py.spare_space import PIECE_BYTES, PIECES, SpareSpace, is_full
from tusd_py.tasks.embedded import EmbeddedTaskView

MIB = 1 << 20
RESERVE = 64 * MIB


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path, 24) as mount:
        yield mount


@pytest.fixture
def spare(disk: Path) -> SpareSpace:
    kept = SpareSpace(disk / "spare", reserve=RESERVE)
    kept.keep()
    return kept


def pieces(disk: Path) -> int:
    return len(list((disk / "spare").iterdir()))


def facts() -> TaskFacts:
    return TaskFacts(
        task_id=fresh_id(), user_id=ME, filename="a.txt", file_size=1, created_at=1.0,
        file_hash="", temp_path="/uploads/a",
    )  # fmt: skip


PENDING = TaskChange(status=TaskStatus.PENDING, progress=0)


def test_whole_pieces_are_kept_and_only_the_owner_can_read_them(
    disk: Path, spare: SpareSpace
) -> None:
    assert pieces(disk) == PIECES
    for path in (disk / "spare").iterdir():
        assert path.stat().st_blocks * 512 >= PIECE_BYTES
        assert path.stat().st_mode & 0o777 == 0o600
    assert (disk / "spare").stat().st_mode & 0o777 == 0o700
    spare.keep()
    assert pieces(disk) == PIECES


def test_a_small_reserve_keeps_a_part_of_it_and_none_keeps_nothing(disk: Path) -> None:
    SpareSpace(disk / "none", reserve=0).keep()
    assert not (disk / "none").exists()
    SpareSpace(disk / "spare", reserve=2 * MIB).keep()
    assert pieces(disk) * PIECE_BYTES == MIB // 2


def test_no_piece_is_kept_where_there_is_no_room(disk: Path) -> None:
    fill(disk / "another program's")
    spare = SpareSpace(disk / "spare", reserve=RESERVE)
    spare.keep()
    assert not (disk / "spare").exists() or pieces(disk) == 0
    (disk / "another program's").unlink()
    assert spare.retrying(lambda: 5) == 5
    assert pieces(disk) == PIECES


def test_there_is_room_to_open_databases_on_a_full_disk(disk: Path, spare: SpareSpace) -> None:
    spare.free_space()
    assert pieces(disk) == PIECES
    fill(disk / "another program's")
    spare.free_space()
    assert free_bytes(disk) >= 3 * PIECE_BYTES
    assert PIECES - 4 <= pieces(disk) < PIECES


def test_the_catalog_goes_on_while_another_program_takes_everything(
    disk: Path, spare: SpareSpace
) -> None:
    catalog = SqlCatalog(sqlite_url(disk / "c.sqlite3"), clock=FakeClock(), spare=spare)
    made = [upload() for _ in range(20)]
    for each in made:
        catalog.uploads.add(each)
    for each in made:
        fill(disk / "another program's")
        assert catalog.uploads.close(each.id, UploadState.TERMINATED)
    finished(catalog)
    assert pieces(disk) < PIECES
    (disk / "another program's").unlink()
    catalog.uploads.add(upload())
    assert pieces(disk) == PIECES
    catalog.close()


def test_works_that_share_a_transaction_go_on_together(disk: Path, spare: SpareSpace) -> None:
    catalog = SqlCatalog(sqlite_url(disk / "c.sqlite3"), clock=FakeClock(), spare=spare)
    fill(disk / "another program's")
    made = [upload() for _ in range(200)]

    def fails(_together: Catalog) -> None:
        raise KeyError

    works = [lambda together, each=each: together.uploads.add(each) for each in made]
    for batch in (works[:100], [*works[100:], fails]):
        done = catalog.commit_all(batch)
        assert [each.error for each in done[:100]] == [None] * 100
    assert isinstance(done[-1].error, KeyError)
    assert all(catalog.uploads.get(each.id) is not None for each in made)
    assert pieces(disk) < PIECES
    catalog.close()


def test_the_view_goes_on(disk: Path, spare: SpareSpace) -> None:
    view = EmbeddedTaskView(disk / "t.sqlite3", clock=FakeClock(), spare=spare)
    for _ in range(20):
        fill(disk / "another program's")
        task = facts()
        view.put(task, PENDING)
        assert view.get(task.task_id) is not None
    assert pieces(disk) < PIECES
    view.close()


def test_all_of_them_open_on_a_full_disk_and_keep_what_they_held(
    disk: Path, spare: SpareSpace
) -> None:
    """A clean stop removes the files that SQLite needs next to a database."""
    held, task = upload(), facts()
    for full in (False, True):
        if full:
            fill(disk / "another program's")
        catalog = SqlCatalog(sqlite_url(disk / "c.sqlite3"), clock=FakeClock(), spare=spare)
        view = EmbeddedTaskView(disk / "t.sqlite3", clock=FakeClock(), spare=spare)
        if not full:
            catalog.uploads.add(held)
            view.put(task, PENDING)
        assert catalog.uploads.get(held.id) == held
        assert view.get(task.task_id) is not None
        catalog.close()
        view.close()
    assert pieces(disk) < PIECES


def test_with_nothing_kept_it_is_a_full_disk_and_nothing_is_lost(
    disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    catalog = SqlCatalog(sqlite_url(disk / "c.sqlite3"), clock=FakeClock())
    view = EmbeddedTaskView(disk / "t.sqlite3", clock=FakeClock())
    held, task = upload(), facts()
    catalog.uploads.add(held)
    view.put(task, PENDING)
    view.close()
    fill(disk / "another program's")

    def fill_catalog() -> None:
        while True:
            catalog.uploads.add(upload())

    for _ in range(3):
        with pytest.raises(StorageFull):
            fill_catalog()
    done = catalog.commit_all(
        [lambda together: together.uploads.close(held.id, UploadState.TERMINATED)] * 50
    )
    assert {type(each.error) for each in done} <= {StorageFull, type(None)}
    catalog.close()
    with pytest.raises(StorageFull):
        EmbeddedTaskView(disk / "t.sqlite3", clock=FakeClock())
    (disk / "another program's").unlink()
    view = EmbeddedTaskView(disk / "t.sqlite3", clock=FakeClock())
    assert view.get(task.task_id) is not None, "a view on a full disk is not a damaged one"
    view.close()
    assert "task.view.unreadable" not in caplog.text


def test_other_trouble_is_no_full_disk() -> None:
    assert not is_full(ValueError())
    assert not is_full(StorageFull())
