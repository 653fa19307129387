"""The queue's file of earlier versions is taken over: its jobs are in the catalog."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.workers import WorkerInProcess

from tusd_py.cli import common
from tusd_py.domain.job import JobState
from tusd_py.jobs.queue.earlier_file import remove_queue_file
from tusd_py.settings.model import Settings

SCHEMA = """
CREATE TABLE messages (
  id INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL, visible_at REAL NOT NULL,
  deliveries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX messages_by_time ON messages (visible_at, id);
CREATE TABLE dead (
  id INTEGER PRIMARY KEY AUTOINCREMENT, payload BLOB NOT NULL, reason TEXT NOT NULL
);
INSERT INTO messages (payload, visible_at) VALUES (CAST('{"v": 1}' AS BLOB), 1.0);
"""
DEAD = "INSERT INTO dead (payload, reason) VALUES (CAST('not json' AS BLOB), 'not a job message')"


def make_queue_file(path: Path, *more: str) -> None:
    """Make the file and its log as a process leaves them that is killed."""
    copies = {}
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.executescript(SCHEMA)
        for statement in more:
            database.execute(statement)
        for name in ("queue.sqlite3", "queue.sqlite3-wal", "queue.sqlite3-shm"):
            copies[name] = path.with_name(name).read_bytes()
    for name, content in copies.items():
        path.with_name(name).write_bytes(content)


def left(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("queue")]


def test_jobs_go_on_and_the_file_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with WorkerInProcess(tmp_path, monkeypatch) as before:
        task_id = before.submit()
    make_queue_file(tmp_path / "queue.sqlite3")
    assert len(left(tmp_path)) == 3
    with WorkerInProcess(tmp_path, monkeypatch) as now:
        assert left(tmp_path) == []
        now.attempt()
        assert now.job(task_id).state is JobState.DONE


def test_its_dead_letters_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    make_queue_file(tmp_path / "queue.sqlite3", DEAD)
    remove_queue_file(tmp_path / "queue.sqlite3")
    assert left(tmp_path) == []
    (record,) = caplog.records
    found = vars(record)
    assert (record.levelname, record.message) == ("WARNING", "queue.dead_letter.dropped")
    assert (found["reason"], found["preview"]) == ("not a job message", "b'not json'")


def test_a_command_that_shows_no_log_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "owner_only", lambda: None)
    make_queue_file(tmp_path / "queue.sqlite3", DEAD)
    with common.opened_ports(Settings(data_dir=tmp_path)):
        assert len(left(tmp_path)) == 3


@pytest.mark.parametrize("content", [b"", b"no database at all", b"SQLite format 3\0" + bytes(84)])
def test_a_file_that_can_not_be_read_is_removed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    (tmp_path / "queue.sqlite3").write_bytes(content)
    remove_queue_file(tmp_path / "queue.sqlite3")
    assert left(tmp_path) == []
    assert [record.message for record in caplog.records] == ["queue.file.unreadable"]


def test_a_file_that_can_not_be_removed_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    make_queue_file(tmp_path / "queue.sqlite3")

    def read_only(*_: object, **__: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "unlink", read_only)
    remove_queue_file(tmp_path / "queue.sqlite3")
    assert "queue.sqlite3" in left(tmp_path)
    assert [record.message for record in caplog.records] == ["queue.file.left"]


def test_without_such_a_file_nothing_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    remove_queue_file(tmp_path / "queue.sqlite3")
    assert caplog.records == []
