"""The table that several processes share."""

import itertools
from pathlib import Path

import pytest

from tusd_py.shared_table import SharedTable


def open_table(folder: Path) -> SharedTable:
    """Open the table as a process does; each opening has locks of its own."""
    return SharedTable(folder / "table", secret=b"", buckets=2, row_bytes=8)


def test_a_row_is_found_by_its_key_until_it_is_released(tmp_path: Path) -> None:
    here, there = open_table(tmp_path), open_table(tmp_path)
    with here.locked("key") as bucket:
        assert bucket.find() is None
        row = bucket.free()
        assert row is not None
        bucket.take(row)
        bucket.memory[row : row + 8] = b"contents"
    with there.locked("key") as bucket:
        assert bucket.find() == row
        assert bucket.memory[row : row + 8] == b"contents"
        bucket.release(row)
    with here.locked("key") as bucket:
        assert bucket.find() is None
        assert bucket.memory[row : row + 8] == bytes(8)
    here.close()
    there.close()


def test_the_holder_has_its_time_after_all_stood_still_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes of a container that has used its share of the processors are stopped at once."""
    holder, other, third = (open_table(tmp_path) for _ in range(3))
    held, pauses, clock = holder.locked("key"), itertools.count(1), itertools.count(step=3600)

    def pause(_seconds: float) -> None:
        if next(pauses) == 3:
            held.__exit__(None, None, None)

    monkeypatch.setattr("tusd_py.shared_table.time.sleep", pause)
    monkeypatch.setattr("tusd_py.shared_table.time.monotonic", lambda: next(clock))
    held.__enter__()
    with other.locked("key"):
        assert next(pauses) == 4
        # The key is locked: a third one has to wait.
        with third.locked("key"):
            assert next(pauses) > 50
    for table in (holder, other, third):
        table.close()


def test_a_wait_for_a_holder_that_does_not_go_on_is_short(
    tmp_path: Path,
) -> None:
    holder, other = open_table(tmp_path), open_table(tmp_path)
    with holder.locked("key"), other.locked("key") as bucket:
        row = bucket.free()
        assert row is not None
        bucket.take(row)
    with other.locked("key") as bucket:
        assert bucket.find() == row
    holder.close()
    other.close()


def test_who_does_not_know_the_secret_does_not_know_which_keys_share_a_bucket(
    tmp_path: Path,
) -> None:
    def first_rows(secret: bytes) -> list[int]:
        table = SharedTable(tmp_path / secret.hex(), secret=secret, buckets=64, row_bytes=8)
        starts = []
        for number in range(64):
            with table.locked(str(number)) as bucket:
                starts.append(bucket.rows().start)
        table.close()
        return starts

    assert first_rows(b"a") == first_rows(b"a") != first_rows(b"b")
