"""Tests that each text that a task shows has a stable code."""

import pytest

from tusd_py.domain import task as texts
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.messages import MESSAGE_CODES, message_code
from tusd_py.domain.task import Task, TaskFacts, TaskStatus

OF_FAILURES = {
    "TEXT_COMPRESSION_FAILED", "TEXT_PROCESSING_FAILED", "TEXT_SOURCE_MISSING", "TEXT_STORE_FAILED", "TEXT_RECORD_FAILED",
    "TEXT_INFECTED", "TEXT_UNSCANNED",
}  # fmt: skip
"""Texts of failures, whose code is that of the error."""
OTHERS = {"TEXT_RETRYING"}


def test_every_text_has_a_code() -> None:
    named = {name: text for name, text in vars(texts).items() if name.startswith("TEXT_")}
    missing = {name for name, text in named.items() if text not in MESSAGE_CODES}
    assert missing - OF_FAILURES - OTHERS == set()


@pytest.mark.parametrize(
    ("status", "message", "error_code", "code"),
    [
        (TaskStatus.RECEIVED, "文件已接收", "", "received"),
        (TaskStatus.COMPRESSING, "视频压缩中...", "", "compressing"),
        (TaskStatus.PROCESSING, "重试中 2/5", "", "retrying"),
        (TaskStatus.COMPLETED, "上传完成（压缩无收益，保留原文件）", "", "completed"),
        (TaskStatus.COMPLETED, "文件已存在，秒传成功", "", "instant"),
        (TaskStatus.FAILED, "打开文件失败", "source_missing", "source_missing"),
        (TaskStatus.FAILED, "上传失败", "", "failed"),
        (TaskStatus.PROCESSING, "something else", "", "processing"),
    ],
)
def test_a_task_shows_the_code_of_its_text(
    status: TaskStatus, message: str, error_code: str, code: str
) -> None:
    facts = TaskFacts(
        task_id=UploadId("a" * 32), user_id=UserId(1), filename="", file_size=1, created_at=1.0
    )
    task = Task(
        facts=facts, status=status, progress=1, message=message, attempt=1, epoch="e", seq=1,
        updated_at=1.0, error_code=error_code,
    )  # fmt: skip
    assert message_code(task) == code
