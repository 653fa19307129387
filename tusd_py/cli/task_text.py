"""Show the texts of a task in the language of the terminal.

The texts of the API are Chinese and its error sentences English, as in the original API. Each has a
stable code, by which ``task_texts.json`` has it in the other language.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from tusd_py.cli.texts import Language


def task_text(state: Mapping[str, Any], language: Language) -> str:
    """Return the text of a task's state in addition to its status; '' if there is none."""
    texts = _texts()[language]
    if state.get("error"):
        return texts["errors"].get(str(state.get("error_code")), str(state["error"]))
    message = str(state.get("message", ""))
    if language == "zh":
        return message
    translated = texts["messages"].get(str(state.get("message_code")))
    notes = state.get("note_codes")
    codes = notes if isinstance(notes, list) else []
    known = [texts["notes"].get(str(code), str(code)) for code in codes]
    return ". ".join(filter(None, (translated, *known)))


@cache
def _texts() -> dict[str, dict[str, dict[str, str]]]:
    text = (files("tusd_py") / "task_texts.json").read_text("utf-8")
    found: dict[str, dict[str, dict[str, str]]] = json.loads(text)
    return found
