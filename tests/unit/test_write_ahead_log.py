"""A new SQLite file that several connections open at once, as processes do that start together."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tusd_py.write_ahead_log import use_write_ahead_log


def test_connections_that_open_a_new_file_at_once_all_use_the_log(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def mode_of(path: Path) -> str:
        database = sqlite3.connect(path, isolation_level=None, timeout=5)
        try:
            together.wait()
            use_write_ahead_log(database.cursor())
            return str(database.execute("PRAGMA journal_mode").fetchone()[0])
        finally:
            database.close()

    with ThreadPoolExecutor(8) as pool:
        for number in range(40):
            modes = list(pool.map(mode_of, [tmp_path / f"{number}.sqlite3"] * 8))
            assert modes == ["wal"] * 8
