"""Classifies the failures of media programs by their cause, and by what is to blame.

A failure of the program itself is no verdict on the file: the work is tried once more, with one
thread. A failure of the deployment passes when the deployment is repaired. Only a failure that the
file causes is a verdict on the file.
Pure: no process is started and no file is read here.
"""

import re
import signal
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tusd_py.domain.notes import Note
from tusd_py.worker.media.run import (
    CpuTimeExceeded,
    LimitExceeded,
    ProcessResult,
    Stalled,
    TooManyThreads,
    TooMuchOutput,
)


class Blame(StrEnum):
    """Names what is to blame for a failure, which decides what follows."""

    PROGRAM = "program"
    """The program runs again with one thread; then the file is kept and may be processed again."""
    FILE = "file"
    """The file is kept as it is."""
    DEPLOYMENT = "deployment"
    """The job waits, which does not count as an attempt."""
    LIMIT = "limit"
    """A setting does not allow the work: the file is kept and may be processed again."""


class Cause(StrEnum):
    """Names the cause of a program's failure. The value is for the log and the metrics."""

    KILLED = "killed"
    OUT_OF_MEMORY = "out_of_memory"
    HUNG = "hung"
    CRASHED = "crashed"
    DAMAGED = "damaged"
    CUT_OFF = "cut_off"
    PROTECTED = "protected"
    EMPTY = "empty"
    UNSUPPORTED = "unsupported"
    TOO_LARGE = "too_large"
    NO_GAIN = "no_gain"
    DISK_FULL = "disk_full"
    PROGRAM_MISSING = "program_missing"
    SANDBOX_FAILED = "sandbox_failed"
    MEMORY_LIMIT = "memory_limit"
    CPU_LIMIT = "cpu_limit"

    @property
    def blame(self) -> Blame:
        """What is to blame for it."""
        return _BLAME[self]

    @property
    def note(self) -> Note:
        """The note for the user if the file is kept because of it."""
        return _NOTES[self]


_BLAME: Final = {
    Cause.KILLED: Blame.PROGRAM,
    Cause.OUT_OF_MEMORY: Blame.PROGRAM,
    Cause.HUNG: Blame.PROGRAM,
    Cause.CRASHED: Blame.PROGRAM,
    Cause.DAMAGED: Blame.FILE,
    Cause.CUT_OFF: Blame.FILE,
    Cause.PROTECTED: Blame.FILE,
    Cause.EMPTY: Blame.FILE,
    Cause.UNSUPPORTED: Blame.FILE,
    Cause.TOO_LARGE: Blame.FILE,
    Cause.NO_GAIN: Blame.FILE,
    Cause.DISK_FULL: Blame.DEPLOYMENT,
    Cause.PROGRAM_MISSING: Blame.DEPLOYMENT,
    Cause.SANDBOX_FAILED: Blame.DEPLOYMENT,
    Cause.MEMORY_LIMIT: Blame.LIMIT,
    Cause.CPU_LIMIT: Blame.LIMIT,
}
_NOTES: Final = {
    Cause.KILLED: Note.PROCESSING_INTERRUPTED,
    Cause.OUT_OF_MEMORY: Note.OUT_OF_MEMORY,
    Cause.HUNG: Note.PROCESSING_HUNG,
    Cause.CRASHED: Note.PROCESSING_INTERRUPTED,
    Cause.DAMAGED: Note.DAMAGED,
    Cause.CUT_OFF: Note.CUT_OFF,
    Cause.PROTECTED: Note.PROTECTED,
    Cause.EMPTY: Note.EMPTY,
    Cause.UNSUPPORTED: Note.UNSUPPORTED,
    Cause.TOO_LARGE: Note.PICTURE_TOO_LARGE,
    Cause.NO_GAIN: Note.NO_GAIN,
    Cause.DISK_FULL: Note.PROCESSING_INTERRUPTED,
    Cause.PROGRAM_MISSING: Note.PROCESSING_INTERRUPTED,
    Cause.SANDBOX_FAILED: Note.PROCESSING_INTERRUPTED,
    Cause.MEMORY_LIMIT: Note.OUT_OF_MEMORY,
    Cause.CPU_LIMIT: Note.TOO_MUCH_WORK,
}

SHORT_BYTES: Final = 16 << 20
"""With less free space than this on its disk, a program's failure is blamed on the disk."""
_BY_SIGNAL: Final = {
    signal.SIGKILL: Cause.KILLED,
    signal.SIGTERM: Cause.KILLED,
    signal.SIGINT: Cause.KILLED,
    signal.SIGHUP: Cause.KILLED,
    signal.SIGXCPU: Cause.CPU_LIMIT,
    signal.SIGXFSZ: Cause.NO_GAIN,
}
_ENOMEM, _ENOSPC, _EDQUOT = 256 - 12, 256 - 28, 256 - 122
"""Exit codes of ffmpeg 7 and later: the last 8 bits of the negative errno."""
_TOO_MANY_ERRORS: Final = 69
"""ffmpeg's exit code when most of what it decoded was damaged (``-max_error_rate``)."""
_NOT_FOUND: Final = (126, 127)
"""Exit codes of a wrapper that can't execute the next program."""
_TOO_LONG: Final = "Argument list too long"
"""Message for a command line that is too long, which only the contents of a file can cause."""
_WRAPPERS: Final = ("bwrap", "setpriv", "prlimit", "nice", "ionice", "confine", "sh")
_MISSING: Final = re.compile(r"No such file or directory|not found|Can't find source path", re.I)
_NO_MEMORY_WORDS: Final = (
    r"Cannot allocate memory|malloc of size \d+ failed|std::bad_alloc|out of memory"
    r"|get_buffer\(\) failed|Resource temporarily unavailable"
    # Messages of the dynamic linker.
    r"|failed to map segment|cannot map zero-fill pages|cannot allocate"
)
_NO_MEMORY: Final = re.compile(_NO_MEMORY_WORDS)
# Messages of ffmpeg 5 to 7; the first that matches decides.
_BY_WORDS: Final = tuple(
    (re.compile(words, re.MULTILINE), cause)
    for words, cause in (
        (r"No space left on device|Disk quota exceeded", Cause.DISK_FULL),
        (r"[Pp]icture size .*(?:invalid|exceeds)|exceeds? .*max_pixels", Cause.TOO_LARGE),
        (_NO_MEMORY_WORDS, Cause.OUT_OF_MEMORY),
        (r"received signal \d+", Cause.KILLED),
        (r"DRM protected|[Ee]ncrypted", Cause.PROTECTED),
        (
            r"does not contain any stream|nothing was (?:en|de)coded|no packets"
            r"|Cannot determine format of input stream .* after EOF",
            Cause.EMPTY,
        ),
        (r"moov atom not found|partial file|ended prematurely|[Tt]runcat", Cause.CUT_OFF),
        (
            r"Decoder \(codec .*\) not found|not implemented|[Uu]nsupported|Not yet implemented",
            Cause.UNSUPPORTED,
        ),
        (r"Invalid data found|error while decoding|[Cc]orrupt|damaged", Cause.DAMAGED),
        (r"Error while opening encoder|Could not open encoder", Cause.UNSUPPORTED),
    )
)


class ToolFailed(Exception):
    """Raised when a media program did not do its work; ``cause`` decides what follows."""

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """Holds what else is known about the run of a program. Sizes in bytes."""

    free_disk: int
    """Free space of the disk to which the program writes."""
    memory_is_short: bool = False
    """Whether the memory limit is below the estimate, so that the setting may be the cause."""


def cause_of_exit(
    ran: ProcessResult, around: Circumstances, *, otherwise: Cause = Cause.CRASHED
) -> Cause:
    """Return the cause of an exit code other than 0; ``otherwise`` if nothing explains it."""
    found = _by_code(ran) or cause_in_words(ran.stderr) or otherwise
    if around.free_disk < SHORT_BYTES and (found.blame is Blame.FILE or found is Cause.CRASHED):
        return Cause.DISK_FULL
    if around.memory_is_short and found in (Cause.OUT_OF_MEMORY, Cause.UNSUPPORTED, Cause.CRASHED):
        return Cause.MEMORY_LIMIT
    return found


def cause_of_overrun(error: LimitExceeded) -> Cause:
    """Return the cause for which this process ended a program."""
    match error:
        case CpuTimeExceeded():
            return Cause.CPU_LIMIT
        case Stalled():
            return Cause.HUNG
        case TooMuchOutput() if str(error) == "disk":
            return Cause.NO_GAIN
        case TooMuchOutput() if str(error) == "stderr":
            return Cause.DAMAGED
        case TooManyThreads() | TooMuchOutput() | _:
            return Cause.CRASHED


def _by_code(ran: ProcessResult) -> Cause | None:
    number = ended_by(ran.code)
    if number is not None:
        return _BY_SIGNAL.get(number, Cause.CRASHED)
    if ran.code in _NOT_FOUND or _is_wrappers(ran.stderr):
        if _NO_MEMORY.search(ran.stderr):
            return Cause.OUT_OF_MEMORY
        if _TOO_LONG in ran.stderr:
            return Cause.UNSUPPORTED
        missing = _MISSING.search(ran.stderr) is not None
        return Cause.PROGRAM_MISSING if missing else Cause.SANDBOX_FAILED
    return {
        _ENOMEM: Cause.OUT_OF_MEMORY,
        _ENOSPC: Cause.DISK_FULL,
        _EDQUOT: Cause.DISK_FULL,
        _TOO_MANY_ERRORS: Cause.DAMAGED,
    }.get(ran.code)


def ended_by(code: int) -> signal.Signals | None:
    """Return the signal that ended a program; None if it ended by itself.

    SIGKILL gives code -9 for a child process, and 137 if bwrap or a shell started the program.
    """
    number = -code if code < 0 else code - 128
    # ffmpeg 7 uses codes above 128 for errors too, from 183 on.
    return signal.Signals(number) if number in _SIGNALS and number <= _LAST_USUAL else None


_SIGNALS: Final = frozenset(signal.Signals)
_LAST_USUAL: Final = 31


def _is_wrappers(stderr: str) -> bool:
    """Return whether the first message is that of a program that wraps ffmpeg."""
    return stderr.partition(":")[0] in _WRAPPERS


def cause_in_words(stderr: str) -> Cause | None:
    """Return the cause that a program's messages name; None if they name none.

    They may hold text of a hostile file, so none of them leads to more than a file that waits or is
    kept.
    """
    return next((cause for words, cause in _BY_WORDS if words.search(stderr)), None)
