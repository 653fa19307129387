"""Tests which cause a program's failure has, and what is to blame for it."""

import pytest

from tusd_py.domain.notes import NOTE_TEXTS
from tusd_py.worker.media.causes import (
    SHORT_BYTES,
    Blame,
    Cause,
    Circumstances,
    cause_of_exit,
    cause_of_overrun,
)
from tusd_py.worker.media.run import (
    CpuTimeExceeded,
    LimitExceeded,
    ProcessResult,
    Stalled,
    TooManyThreads,
    TooMuchOutput,
)

ROOM = Circumstances(free_disk=1 << 40)
OPENING = (
    "[error] Error initializing output stream 0:0 -- "
    "Error while opening encoder for output stream #0:0"
)


def cause(code: int, stderr: str = "", around: Circumstances = ROOM) -> Cause:
    return cause_of_exit(ProcessResult(code=code, stdout="", stderr=stderr, errors=0), around)


@pytest.mark.parametrize(
    ("code", "stderr", "expected"),
    [
        (-9, "", Cause.KILLED),
        (137, "", Cause.KILLED),
        (143, "", Cause.KILLED),
        (255, "[info] Exiting normally, received signal 15.", Cause.KILLED),
        (-11, "", Cause.CRASHED),
        (139, "", Cause.CRASHED),
        (134, "[fatal] Assertion failed", Cause.CRASHED),
        (159, "", Cause.CRASHED),
        (-24, "", Cause.CPU_LIMIT),
        (153, "", Cause.NO_GAIN),
        (69, "", Cause.DAMAGED),
        (244, "", Cause.OUT_OF_MEMORY),
        (228, "", Cause.DISK_FULL),
        (1, f"x264 [error]: malloc of size 5484672 failed\n{OPENING}", Cause.OUT_OF_MEMORY),
        (
            1,
            "[error] Error while opening decoder for input stream #0:0 : Resource temporarily "
            "unavailable",
            Cause.OUT_OF_MEMORY,
        ),
        (
            127,
            "ffmpeg: error while loading shared libraries: libgomp.so.1: failed to map segment "
            "from shared object",
            Cause.OUT_OF_MEMORY,
        ),
        (
            127,
            "ffprobe: error while loading shared libraries: libxml2.so.2: "
            "cannot map zero-fill pages",
            Cause.OUT_OF_MEMORY,
        ),
        (
            127,
            "ffprobe: error while loading shared libraries: cannot allocate symbol search list: "
            "Cannot allocate memory",
            Cause.OUT_OF_MEMORY,
        ),
        (1, OPENING, Cause.UNSUPPORTED),
        (1, "[mov @ 0x55] [error] moov atom not found\n[error] Invalid data found", Cause.CUT_OFF),
        (1, "[error] file:/in: Invalid data found when processing input", Cause.DAMAGED),
        (1, "[error] Decoder (codec none) not found for input stream #0:0", Cause.UNSUPPORTED),
        (1, "[error] Output file #0 does not contain any stream", Cause.EMPTY),
        (1, "[error] Error writing trailer: No space left on device", Cause.DISK_FULL),
        (1, "bwrap: Can't find source path /opt/ffmpeg: No such file", Cause.PROGRAM_MISSING),
        (1, "bwrap: setting up uid map: Permission denied", Cause.SANDBOX_FAILED),
        (126, "confine: [Errno 38] Function not implemented", Cause.SANDBOX_FAILED),
        (127, "setpriv: failed to execute nice: No such file or directory", Cause.PROGRAM_MISSING),
        (1, "", Cause.CRASHED),
        (187, "[error] something that no version wrote before", Cause.CRASHED),
    ],
)
def test_a_failure_has_a_cause(code: int, stderr: str, expected: Cause) -> None:
    assert cause(code, stderr) is expected


def test_on_a_full_disk_the_file_is_not_to_blame() -> None:
    full = Circumstances(free_disk=SHORT_BYTES - 1)
    for words in ("Invalid data found", "moov atom not found", ""):
        assert cause(1, words, full) is Cause.DISK_FULL
    assert cause(-9, "", full) is Cause.KILLED


def test_a_memory_limit_below_the_estimate_is_the_cause() -> None:
    short = Circumstances(free_disk=1 << 40, memory_is_short=True)
    assert cause(1, OPENING, short) is Cause.MEMORY_LIMIT
    assert cause(-11, "", short) is Cause.MEMORY_LIMIT
    assert cause(1, "moov atom not found", short) is Cause.CUT_OFF
    assert cause(-9, "", short) is Cause.KILLED


def test_text_of_a_file_does_not_count_as_a_message_of_the_sandbox() -> None:
    assert cause(1, "[error] x\nbwrap: no\n[error] Invalid data found").blame is Blame.FILE


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (CpuTimeExceeded("processor time"), Cause.CPU_LIMIT),
        (Stalled("progress"), Cause.HUNG),
        (Stalled("time"), Cause.HUNG),
        (TooMuchOutput("disk"), Cause.NO_GAIN),
        (TooMuchOutput("stderr"), Cause.DAMAGED),
        (TooMuchOutput("stdout"), Cause.CRASHED),
        (TooManyThreads("threads"), Cause.CRASHED),
        (LimitExceeded("anything"), Cause.CRASHED),
    ],
)
def test_an_exceeded_limit_is_a_cause(error: LimitExceeded, expected: Cause) -> None:
    assert cause_of_overrun(error) is expected


def test_every_cause_has_a_blame_and_a_note_in_chinese() -> None:
    for one in Cause:
        assert one.blame in Blame
        text = NOTE_TEXTS[one.note]
        assert text
        assert not any(char.isascii() and char.isalpha() for char in text)
        retried = one.blame in (Blame.PROGRAM, Blame.LIMIT)
        assert ("重新处理" in text) == (retried and one is not Cause.CPU_LIMIT) or (
            one.blame is Blame.DEPLOYMENT
        )
