"""Tests which hashes and messages of Redis are states of a task."""

import json

import pytest

from tusd_py.tasks.redis_state import UnreadableState, read_message, read_state

WRITTEN = {
    "task_id": "ab" * 16, "user_id": "7", "filename": "视频.mp4", "file_size": "10", "created": "1.5",
    "file_hash": "c" * 64, "temp_path": "/tmp/x", "status": "processing", "progress": "45",
    "message": "开始处理文件", "attempt": "2", "epoch": "e", "seq": "9", "updated": "2.25",
    "error_code": "", "error_msg": "", "oss_path": "", "repository_id": "", "last_progress": "0",
    "notes": "no_cover damaged",
}  # fmt: skip


def test_every_field_is_read() -> None:
    task = read_state(WRITTEN)
    assert (task.facts.task_id, task.facts.user_id, task.facts.file_size) == ("ab" * 16, 7, 10)
    assert (task.facts.created_at, task.updated_at) == (1.5, 2.25)
    assert (task.progress, task.attempt, task.event_id) == (45, 2, "e.9")
    assert task.notes == ("no_cover", "damaged")
    assert read_message(json.dumps(WRITTEN)) == task


def test_a_server_of_an_earlier_version_writes_no_notes() -> None:
    assert read_state({name: WRITTEN[name] for name in WRITTEN if name != "notes"}).notes == ()


@pytest.mark.parametrize("name", sorted(WRITTEN.keys() - {"notes"}))
def test_a_missing_field_is_noticed(name: str) -> None:
    with pytest.raises(UnreadableState):
        read_state({key: value for key, value in WRITTEN.items() if key != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("task_id", "../etc"), ("task_id", 7), ("user_id", "x"), ("status", "done"),
        ("progress", "1e999"), ("progress", float("inf")), ("seq", None), ("file_size", []),
        ("created", "nan"), ("created", "-1"), ("updated", "inf"), ("updated", "253402300800"),
    ],
)  # fmt: skip
def test_a_value_that_no_server_writes_is_refused(name: str, value: object) -> None:
    with pytest.raises(UnreadableState):
        read_state({**WRITTEN, name: value})


@pytest.mark.parametrize("payload", [None, 7, "", "[]", b"\xff", '{"task_id": NaN}', "[" * 100_000])
def test_a_message_that_is_no_object_is_refused(payload: object) -> None:
    with pytest.raises(UnreadableState):
        read_message(payload)
