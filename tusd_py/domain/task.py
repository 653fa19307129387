"""Defines a task, which a user follows: its states, its texts and the rule by which it changes.

Rule 1: within an attempt the state only moves forward; progress never falls, across attempts too
(requirement S11).
Rule 2: a finished task does not change, except a failed one that is reopened by hand (requirement
S17), and the address of a completed one whose file was processed again.
Rule 3: an older attempt changes nothing once a newer one has reported. The embedded adapter calls
``advance``; the contract tests hold the Redis adapter's script to the same rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tusd_py.domain.ids import UploadId, UserId


class TaskStatus(StrEnum):
    """Names the states of the original API (requirement S7)."""

    PENDING = "pending"
    RECEIVED = "received"
    PROCESSING = "processing"
    COMPRESSING = "compressing"
    UPLOADING_OSS = "uploading_oss"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def terminal(self) -> bool:
        """Whether no other state follows."""
        return self in (TaskStatus.COMPLETED, TaskStatus.FAILED)

    @property
    def rank(self) -> int:
        """Position of the state in the order; a task never moves to a lower one."""
        return _RANK[self]


ENDED: Final = tuple(status for status in TaskStatus if status.terminal)
_RANK: Final = {status: position for position, status in enumerate(TaskStatus)}

STATUS_TEXTS: Final[Mapping[TaskStatus, str]] = {
    TaskStatus.PENDING: "等待处理",
    TaskStatus.RECEIVED: "文件已接收",
    TaskStatus.PROCESSING: "正在处理",
    TaskStatus.COMPRESSING: "视频压缩中",
    TaskStatus.UPLOADING_OSS: "上传到云端",
    TaskStatus.COMPLETED: "上传完成",
    TaskStatus.FAILED: "上传失败",
}

RECEIVED_PROGRESS: Final = 10
CLAIMED_PROGRESS: Final = 20
INSPECTED_PROGRESS: Final = 30
COMPRESSED_PROGRESS: Final = 60
UNCOMPRESSED_STORE_PROGRESS: Final = 70
"""Start of uploading_oss if nothing was compressed (requirement S7)."""
STORED_PROGRESS: Final = 90
COMPLETED_PROGRESS: Final = 100

TEXT_STARTED: Final = "开始处理文件"
TEXT_SCANNING: Final = "安全检查中..."
TEXT_COMPRESSING: Final = "视频压缩中..."
TEXT_COMPRESSED: Final = "视频压缩完成"
TEXT_PICTURE: Final = "图片处理中..."
TEXT_SOUND: Final = "音频处理中..."
TEXT_STORING: Final = "上传到云端..."
TEXT_STORED: Final = "上传完成，保存信息..."
TEXT_COMPLETED: Final = "上传完成"
TEXT_WAITING: Final = "等待资源"
TEXT_RETRYING: Final = "重试中 "
"""The number of this attempt and the highest number follow: ``1/5``."""
TEXT_INSTANT: Final = "文件已存在，秒传成功"
TEXT_ACCEPTED: Final = "文件已接收，正在处理中"
TEXT_COMPRESSION_FAILED: Final = "视频压缩失败: "
TEXT_PROCESSING_FAILED: Final = "文件处理失败: "
TEXT_SOURCE_MISSING: Final = "打开文件失败"
TEXT_STORE_FAILED: Final = "上传到OSS失败: "
TEXT_RECORD_FAILED: Final = "保存文件信息失败"
TEXT_INFECTED: Final = "文件未通过安全检查，已删除"
TEXT_UNSCANNED: Final = "文件过大，无法进行安全检查"

_FAILURE_TEXTS: Final[Mapping[str, str]] = {
    "infected": TEXT_INFECTED,
    "source_missing": TEXT_SOURCE_MISSING,
    "too_large_to_scan": TEXT_UNSCANNED,
}


def failure_text(code: str) -> str:
    """Return the text of a failure by its code, as its record has no other.

    The text of a failure whose reason varies is that of the status.
    """
    return _FAILURE_TEXTS.get(code, STATUS_TEXTS[TaskStatus.FAILED])


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """Describes what is fixed at a task's start or finish: size in bytes, time in unix seconds."""

    task_id: UploadId
    user_id: UserId
    filename: str
    file_size: int
    created_at: float
    file_hash: str = ""
    temp_path: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskChange:
    """Reports a step forward. ``attempt`` is 0 while bytes arrive, then the fence."""

    status: TaskStatus
    progress: int
    attempt: int = 0
    offset: int | None = None
    """Number of bytes that have arrived, while they arrive."""
    message: str = ""
    """Shown to the user; '' for the state's own text."""
    error_code: str = ""
    error_msg: str = ""
    oss_path: str = ""
    repository_id: str = ""
    notes: tuple[str, ...] = ()
    """Codes of ``domain.notes.Note`` for a completed task."""
    reopen: bool = False
    """Whether a failed task is tried again, on request."""
    again: bool = False
    """Whether a completed task may be completed again, since its file was processed again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Is the visible state (requirement S8), which is also the event (decision 14).

    ``epoch`` names the life of the view, ``seq`` counts the changes within it.
    """

    facts: TaskFacts
    status: TaskStatus
    progress: int
    message: str
    attempt: int
    epoch: str
    seq: int
    updated_at: float
    offset: int | None = None
    """Number of bytes that had arrived at this change, while they arrive."""
    error_code: str = ""
    error_msg: str = ""
    oss_path: str = ""
    repository_id: str = ""
    notes: tuple[str, ...] = ()
    """Codes of ``domain.notes.Note``."""
    queue_position: int | None = None
    """About how many jobs begin before the task's own; None: it does not wait, or unknown."""
    last_progress: int = 0
    """Value of ``progress`` when the task failed; a failed task shows 0 (requirement S7)."""

    @property
    def event_id(self) -> str:
        """``epoch.sequence``, the id of the Server-Sent Event (requirement K1)."""
        return f"{self.epoch}.{self.seq}"


def advance(
    task: Task | None, facts: TaskFacts, change: TaskChange, *, epoch: str, now: float
) -> Task | None:
    """Return the task after ``change``, or None if the change is stale and must not be shown.

    Args: task: the visible state; None: there is none, for example since the view was lost.
        epoch: the view's life, used when there is no task yet; now: unix seconds (UTC).
    Source: requirements S7 and S11; ``tasks/advance.lua`` is the same rule in Redis.
    """
    message = change.message or STATUS_TEXTS[change.status]
    reached, seq = 0, 1
    if task is not None:
        if not _follows(task, change):
            return None
        epoch, seq = task.epoch, task.seq + 1
        reached = max(task.progress, task.last_progress if change.reopen else 0)
    failed = change.status is TaskStatus.FAILED
    return Task(
        facts=facts,
        status=change.status,
        progress=0 if failed else max(reached, change.progress),
        last_progress=reached if failed else 0,
        message=message,
        attempt=change.attempt,
        epoch=epoch,
        seq=seq,
        updated_at=now,
        offset=change.offset,
        error_code=change.error_code,
        error_msg=change.error_msg,
        oss_path=change.oss_path,
        repository_id=change.repository_id,
        notes=change.notes,
    )


def _follows(task: Task, change: TaskChange) -> bool:
    if change.attempt < task.attempt:
        return False
    if task.status is TaskStatus.COMPLETED:
        # The file was processed again, by this task's job or by that of another task with this
        # content.
        newer = change.attempt > task.attempt or change.oss_path != task.oss_path
        return change.again and change.status is TaskStatus.COMPLETED and newer
    if task.status.terminal:
        return task.status is TaskStatus.FAILED and change.reopen and change.attempt > task.attempt
    if change.status.terminal or change.attempt > task.attempt:
        return True
    if change.status.rank < task.status.rank:
        return False
    moved = change.status is not task.status or change.progress > task.progress
    return moved or (change.message or STATUS_TEXTS[change.status]) != task.message
