"""The table that several processes share."""

from pathlib import Path

from tusd_py.shared_table import SharedTable


def open_table(folder: Path) -> SharedTable:
    """Open the table as a process does; each opening has locks of its own."""
    return SharedTable(folder / "table", buckets=2, row_bytes=8)


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
