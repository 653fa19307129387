"""Name the steps of a file, and tell how much of the present one is done."""

from collections.abc import Mapping
from typing import Any, Final

from tusd_py.cli.task_text import task_text
from tusd_py.cli.texts import reader_language, text

ENDED: Final = ("completed", "failed")
_STEPS: Final = {
    "pending": "arriving",
    "received": "waiting",
    "processing": "processing",
    "compressing": "compressing",
    "uploading_oss": "storing",
    "completed": "completed",
    "failed": "failed",
}


def step_name(status: str) -> str:
    """Return the word for a status of the API; an unknown status is its own word."""
    return text(_STEPS.get(status, status))


def step_percent(state: Mapping[str, Any]) -> int | None:
    """Return how much of the present step is done, in percent; None if that is not known.

    The server reports the arrival as 0 to 10 and the compression as 30 to 60.
    """
    progress = state.get("progress")
    if not isinstance(progress, int):
        return None
    if state.get("status") == "pending":
        return min(100, progress * 10)
    if state.get("status") == "compressing":
        return max(0, min(100, round((progress - 30) * 100 / 30)))
    return None


def step_text(state: Mapping[str, Any]) -> str:
    """Return what is known of a step besides its name: the server's text, the place in the queue.

    It is '' if that is nothing.
    """
    place = state.get("queue_position")
    parts = [_own_text(state)]
    if isinstance(place, int):
        parts.append(text("next") if place <= 0 else text("{count} before it", count=place))
    return ", ".join(part for part in parts if part)


def _own_text(state: Mapping[str, Any]) -> str:
    said = task_text(state, reader_language())
    # The Chinese texts of the API repeat the name of the step.
    repeats = said.rstrip(".").rstrip("。") == step_name(str(state.get("status", "")))
    return "" if repeats else said
