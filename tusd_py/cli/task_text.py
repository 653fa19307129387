"""Show the texts of a task in the language of the terminal.

The texts of the API are Chinese and its error sentences English, as in the original API. Each has a
stable code, by which ``task_texts.json`` has it in the other language.
"""

import json
import os
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal

Language = Literal["en", "zh"]
_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")


def reader_language(environ: Mapping[str, str] = os.environ) -> Language:
    """Return the language of the locale (POSIX, 8.2): Chinese, or else English."""
    chosen = next((environ[name] for name in _VARIABLES if environ.get(name)), "")
    return "zh" if chosen.lower().startswith("zh") else "en"


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
