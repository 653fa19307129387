"""A step has a name, a part that is done, and what else is known of it."""

from typing import Any

import pytest

from tusd_py.cli.steps import step_name, step_percent, step_text
from tusd_py.domain.task import TaskStatus


def test_every_status_has_a_name() -> None:
    names = {step_name(status.value) for status in TaskStatus}
    assert len(names) == len(TaskStatus)
    assert "uploading_oss" not in names
    assert step_name("of another version") == "of another version"


@pytest.mark.parametrize(
    ("status", "progress", "percent"),
    [("pending", 4, 40), ("compressing", 30, 0), ("compressing", 45, 50), ("compressing", 60, 100),
     ("processing", 20, None), ("uploading_oss", 70, None), ("pending", "4", None)],
)  # fmt: skip
def test_the_part_of_a_step_is_that_of_the_page(
    status: str, progress: object, percent: int | None
) -> None:
    assert step_percent({"status": status, "progress": progress}) == percent


@pytest.mark.parametrize(
    ("state", "text"),
    [({"status": "received", "queue_position": 0}, "next"),
     ({"status": "received", "queue_position": 3}, "3 before it"),
     ({"status": "processing", "message_code": "scanning"}, "Checking for viruses"),
     ({"status": "failed", "error": "Broken.", "error_code": "corrupt"}, "Broken."),
     ({"status": "processing"}, "")],
)  # fmt: skip
def test_a_step_says_what_else_is_known(state: dict[str, Any], text: str) -> None:
    assert step_text(state) == text


def test_a_chinese_text_does_not_repeat_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    state = {"status": "compressing", "message": "视频压缩中..."}
    assert (step_name("compressing"), step_text(state)) == ("视频压缩中", "")
    assert step_text({**state, "message": "等待资源"}) == "等待资源"
