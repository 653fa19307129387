"""Tests which members a task has in JSON, by its state."""

from dataclasses import replace

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import Task, TaskFacts, TaskStatus
from tusd_py.tasks.json_views import list_entry, notification, progress

FACTS = TaskFacts(
    task_id=UploadId("0" * 32), user_id=UserId(1), filename="a.mp4", file_size=10, created_at=0.0
)
TASK = Task(
    facts=FACTS, status=TaskStatus.RECEIVED, progress=10, message="文件已接收", attempt=1, epoch="e",
    seq=3, updated_at=86400.5, error_code="corrupt", error_msg="broken", oss_path="https://o/x",
    repository_id="r", notes=("damaged",), last_progress=45,
)  # fmt: skip
ALWAYS = {
    "task_id", "status", "progress", "message", "message_code", "seq", "epoch", "attempt",
}  # fmt: skip


def added(task: Task) -> dict[str, object]:
    found = notification(task)
    assert found.keys() >= ALWAYS
    return {name: found[name] for name in found.keys() - ALWAYS}


def test_only_an_end_has_an_outcome() -> None:
    assert added(TASK) == {}
    assert added(replace(TASK, status=TaskStatus.COMPLETED, queue_position=4)) == {
        "repository_id": "r", "oss_path": "https://o/x", "note_codes": ["damaged"],
    }  # fmt: skip
    assert added(replace(TASK, status=TaskStatus.FAILED)) == {
        "error": "broken", "error_code": "corrupt", "last_progress": 45,
    }  # fmt: skip


def test_what_has_arrived_is_shown_while_it_arrives() -> None:
    arrives = replace(TASK, status=TaskStatus.PENDING, offset=4)
    assert added(arrives) == {"offset": 4, "file_size": 10}
    # A server of an earlier version has put it.
    assert added(replace(arrives, offset=None)) == {}
    assert added(replace(TASK, offset=4)) == {}


def test_a_place_in_the_queue_is_shown_while_it_is_known() -> None:
    assert added(replace(TASK, queue_position=0)) == {"queue_position": 0}


def test_times_are_in_utc() -> None:
    found = progress(TASK)
    assert found["created_at"] == list_entry(TASK, "")["created_at"] == "1970-01-01T00:00:00Z"
    assert found["updated_at"].startswith("1970-01-02T00:00:00")
    assert (found["filename"], found["file_size"]) == ("a.mp4", 10)
