"""Define findings: a level, the subject, a sentence, and a remedy."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The importance of a finding."""

    OK = "ok"
    NOTE = "note"
    """It works; an operator may want to know about it."""
    WARNING = "warning"
    """It works, but will fail under load, after an accident, or for some clients."""
    PROBLEM = "problem"
    """It does not work, or breaks a guarantee."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check.

    ``check`` is stable; ``sentence`` and ``remedy`` are for people. The remedy is empty only at
    level OK.
    """

    check: str
    level: Level
    sentence: str
    remedy: str = ""


class CheckSkipped(Exception):
    """Raised when a check could not run; the texts become a note."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.remedy = remedy


def ok(check: str, sentence: str) -> Finding:
    """Return a finding of level OK."""
    return Finding(check, Level.OK, sentence)


def note(check: str, sentence: str, remedy: str) -> Finding:
    """Return a finding of level NOTE."""
    return Finding(check, Level.NOTE, sentence, remedy)


def warning(check: str, sentence: str, remedy: str) -> Finding:
    """Return a finding of level WARNING."""
    return Finding(check, Level.WARNING, sentence, remedy)


def problem(check: str, sentence: str, remedy: str) -> Finding:
    """Return a finding of level PROBLEM."""
    return Finding(check, Level.PROBLEM, sentence, remedy)
