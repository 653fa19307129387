"""What the doctor says: a level, the subject, a sentence, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much it matters."""

    OK = "ok"
    NOTE = "note"
    """Works; somebody may want to know."""
    WARNING = "warning"
    """Works, and will hurt under load, after an accident, or for some clients."""
    PROBLEM = "problem"
    """Does not work, or breaks a promise."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``check`` is stable, ``sentence`` and ``remedy`` are for people;
    the remedy is empty only when all is well."""

    check: str
    level: Level
    sentence: str
    remedy: str = ""


class CheckSkipped(Exception):
    """Raised when a check could not look; the texts become a note."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.remedy = remedy


def ok(check: str, sentence: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, sentence)


def note(check: str, sentence: str, remedy: str) -> Finding:
    """Worth knowing."""
    return Finding(check, Level.NOTE, sentence, remedy)


def warning(check: str, sentence: str, remedy: str) -> Finding:
    """Will hurt some day."""
    return Finding(check, Level.WARNING, sentence, remedy)


def problem(check: str, sentence: str, remedy: str) -> Finding:
    """Does not work."""
    return Finding(check, Level.PROBLEM, sentence, remedy)
