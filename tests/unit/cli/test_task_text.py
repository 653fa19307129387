"""A task is shown in the reader's language."""

import json
from importlib.resources import files

import pytest

from tusd_py.cli.task_text import task_text
from tusd_py.domain.messages import MESSAGE_CODES
from tusd_py.domain.notes import NOTE_TEXTS, Note
from tusd_py.domain.task import TaskStatus

TEXTS = json.loads((files("tusd_py") / "task_texts.json").read_text("utf-8"))
OF_STATES = {status.value for status in TaskStatus}
"""Their names are shown next to the text."""


def test_every_message_and_note_has_an_english_text() -> None:
    assert set(NOTE_TEXTS) == set(Note)
    assert set(TEXTS["en"]["notes"]) == {note.value for note in Note}
    assert set(MESSAGE_CODES.values()) - OF_STATES - set(TEXTS["en"]["messages"]) == set()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_no_text_mixes_languages(language: str) -> None:
    chinese = [*NOTE_TEXTS.values(), *MESSAGE_CODES, *TEXTS["zh"]["errors"].values()]
    assert not any(char.isascii() and char.isalpha() for text in chinese for char in text)
    english = [*TEXTS["en"]["messages"].values(), *TEXTS["en"]["notes"].values()]
    assert all(text.isascii() for text in english)


def test_each_state_has_its_text() -> None:
    done = {"status": "completed", "message": "上传完成（压缩无收益，保留原文件）"}
    done_codes = {**done, "message_code": "completed", "note_codes": ["no_gain", "new_code"]}
    assert task_text(done_codes, "en") == "Kept as it came: compressing gained nothing. new_code"
    assert task_text(done, "zh") == done["message"]
    failed = {"error": "The uploaded file is gone from the server.", "error_code": "source_missing"}
    assert task_text(failed, "en") == failed["error"]
    assert task_text(failed, "zh") == "源文件已不存在。"
    assert task_text({"message": "视频压缩中...", "message_code": "compressing"}, "en") == ""
    assert task_text({"message": "旧服务器"}, "en") == ""
