"""Facts and changes of tasks, as tests put them into a view."""

from support.ids import fresh_id

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import TaskChange, TaskFacts, TaskStatus


def facts(user: int = 1, created_at: float = 5.0, task_id: UploadId | None = None) -> TaskFacts:
    return TaskFacts(
        task_id=task_id or fresh_id(), user_id=UserId(user), filename="视频.mp4", file_size=9,
        created_at=created_at, file_hash="a" * 64, temp_path="/data/x",
    )  # fmt: skip


def change(status: TaskStatus, progress: int, attempt: int = 0, message: str = "") -> TaskChange:
    return TaskChange(status=status, progress=progress, attempt=attempt, message=message)


PENDING, RECEIVED = change(TaskStatus.PENDING, 3), change(TaskStatus.RECEIVED, 10)
