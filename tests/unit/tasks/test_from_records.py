"""Tests the state of a task that is known from its records alone."""

import pytest

from tusd_py.catalog.values import HistoryRow, Outcome
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.notes import NOTE_TEXTS, Note
from tusd_py.domain.task import STATUS_TEXTS, TEXT_INFECTED, TaskStatus
from tusd_py.domain.upload import Upload
from tusd_py.tasks.from_records import task_of_history, task_of_outcome, task_of_upload

TASK = UploadId("0" * 32)


def row(status: str, completed_at: float | None = None) -> HistoryRow:
    return HistoryRow(
        task_id=TASK, user_id=UserId(1), filename="a", file_hash="b" * 64, file_size=3,
        status=status, error_msg="broken", oss_path="https://o/x", repository_identity="r",
        duration=None, created_at=1.0, completed_at=completed_at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("length", "offset", "progress", "size"),
    [
        (100, 0, 0, 100),
        (100, 50, 5, 100),
        (100, 99, 9, 100),
        (100, 100, 10, 100),
        (0, 0, 0, 0),
        (None, 70, 0, 70),
    ],
)
def test_the_arrival_of_bytes_is_a_tenth(
    length: int | None, offset: int, progress: int, size: int
) -> None:
    upload = Upload(id=TASK, user_id=UserId(1), length=length, created_at=1.0)
    task = task_of_upload(upload, offset)
    assert (task.status, task.progress, task.facts.file_size) == (
        TaskStatus.PENDING, progress, size,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "progress"), [("received", 10), ("completed", 100), ("failed", 0)]
)
def test_a_row_of_the_history_is_a_state(status: str, progress: int) -> None:
    task = task_of_history(row(status))
    assert (task.status.value, task.progress, task.updated_at) == (status, progress, 1.0)
    assert task_of_history(row(status, completed_at=5.0)).updated_at == 5.0


def test_a_later_state_has_a_higher_sequence() -> None:
    received, completed = (task_of_history(row(status)) for status in ("received", "completed"))
    upload = Upload(id=TASK, user_id=UserId(1), length=3, created_at=1.0)
    assert task_of_upload(upload, 3).seq < received.seq < completed.seq


def test_an_end_has_its_reason_or_its_notes() -> None:
    notes = (Note.DAMAGED,)
    failed = task_of_outcome(
        Outcome(history=row("failed"), fence=1, error_code="corrupt", notes=notes)
    )
    assert (failed.error_code, failed.error_msg, failed.notes) == ("corrupt", "broken", ())
    done = task_of_outcome(
        Outcome(history=row("completed"), fence=1, error_code="corrupt", notes=notes)
    )
    assert (done.error_code, done.notes) == ("", notes)
    assert NOTE_TEXTS[Note.DAMAGED] in done.message
    received = task_of_outcome(
        Outcome(history=row("received"), fence=1, error_code="corrupt", notes=notes)
    )
    assert (received.error_code, received.notes) == ("", ())
    assert received.message == STATUS_TEXTS[TaskStatus.RECEIVED]


@pytest.mark.parametrize(
    ("code", "text"),
    [("infected", TEXT_INFECTED), ("corrupt", STATUS_TEXTS[TaskStatus.FAILED]), ("", "上传失败")],
)
def test_a_failure_has_the_text_that_its_worker_reports(code: str, text: str) -> None:
    """A reader who comes between the record and the report must not see another text."""
    failed = task_of_outcome(Outcome(history=row("failed"), fence=1, error_code=code))
    assert failed.message == text
