"""A sandboxed program that a file has taken over: what it may read, call, start and write."""

import ctypes
import errno
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest
from support.boxes import BOXES, PYTHON, box_of, ran
from support.films import encode_line
from support.media import make, video
from support.required import needs_root

from tusd_py.clock import SystemClock
from tusd_py.worker.media import run as running
from tusd_py.worker.media.argv import probe_argv
from tusd_py.worker.media.memory import needed_memory
from tusd_py.worker.media.plan import Wishes
from tusd_py.worker.media.probe import parse_ffprobe
from tusd_py.worker.media.run import (
    Bounds,
    CpuTimeExceeded,
    Stopped,
    TooManyThreads,
    TooMuchOutput,
    run,
)
from tusd_py.worker.media.sandbox import Kind, Limits, Sandbox
from tusd_py.worker.media.system_calls import DENIED, LIBRARY, filter_file


@pytest.mark.parametrize(
    ("script", "lines"),
    [
        ("yes", False),
        ("yes", True),
        ("tr '\\0' x </dev/zero", True),
        ("yes >&2", False),
        ("yes >&2", True),
    ],
)
def test_a_program_that_writes_too_much_is_ended(script: str, *, lines: bool) -> None:
    with pytest.raises(TooMuchOutput):
        ran(["sh", "-c", script], Bounds(stdout=1 << 16, stderr=1 << 16), lines=lines)


def test_a_child_that_keeps_the_pipes_open_delays_no_run() -> None:
    ended = ran(["sh", "-c", "setsid sleep 1000 & echo $!"])
    os.kill(int(ended.stdout), signal.SIGKILL)
    assert ended.code == 0


SPIN = "while :; do :; done"


@pytest.mark.parametrize(
    ("kind", "script"), [("bwrap", SPIN), ("off", f"({SPIN}) & ({SPIN}) & wait")]
)
def test_processor_time_of_all_children_counts(kind: Kind, script: str, tmp_path: Path) -> None:
    with pytest.raises(CpuTimeExceeded):
        ran(box_of(kind, tmp_path).wrap(["sh", "-c", script]), Bounds(cpu=0.5))


THREADS = """
import threading, time
threading.stack_size(1 << 16)
for _ in range(60):
    threading.Thread(target=time.sleep, args=(60,)).start()
"""


@pytest.mark.parametrize("kind", BOXES)
def test_a_program_with_too_many_threads_is_ended(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(TooManyThreads):
        ran(box_of(kind, tmp_path).wrap([PYTHON, "-c", THREADS]), Bounds(threads=40))


BOMBS = """
import mmap, sys
size = 2 << 30
if sys.argv[1] == "private":
    print(len(bytearray(size)))
else:
    print(len(mmap.mmap(-1, size, flags=mmap.MAP_SHARED)))
"""


@pytest.mark.parametrize("kind", BOXES)
@pytest.mark.parametrize("how", ["private", "shared"])
def test_two_gibibytes_are_not_to_be_had_for_a_usual_film(
    kind: Kind, how: str, tmp_path: Path
) -> None:
    memory = needed_memory(1280 * 720, "veryfast", 2)
    limits = Limits(memory=memory, file_size=1 << 20, cpu=60, threads=2)
    box = Sandbox(kind=kind, source=tmp_path, output=None, limits=limits)
    ended = ran(box.wrap([PYTHON, "-c", BOMBS, how]))
    assert (ended.code, ended.stdout) == (1, "")
    assert "MemoryError" in ended.stderr or "Cannot allocate memory" in ended.stderr


@pytest.mark.parametrize(("kind", "threads"), [("bwrap", 16), ("landlock", 1)])
def test_a_film_has_memory_enough_whatever_its_threads(
    kind: Kind, threads: int, tmp_path: Path
) -> None:
    source, output = tmp_path / "film.mkv", tmp_path / "out"
    output.mkdir()
    make(
        [
            "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=30", "-frames:v", "40",
            "-c:v", "mpeg4", "-q:v", "8", str(source),
        ]
    )  # fmt: skip
    memory = needed_memory(1280 * 720, "slow", threads)
    limits = Limits(memory=memory, file_size=64 << 20, cpu=60, threads=threads)
    box = Sandbox(kind=kind, source=source, output=output, limits=limits)
    argv = encode_line(
        source, "matroska", seen=box.source_seen, output=box.output_seen("made.mp4"),
        wishes=Wishes(crf=30, preset="slow"), threads=threads,
    )  # fmt: skip
    ended = ran(box.wrap(argv))
    assert (ended.code, ended.errors) == (0, 0), ended.stderr


@pytest.mark.parametrize("kind", BOXES)
def test_a_program_whose_worker_died_while_it_was_started_does_not_run(
    kind: Kind, tmp_path: Path
) -> None:
    argv = box_of(kind, tmp_path).wrap(["echo", "runs"])
    begun = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert begun.stdout == "runs\n"
    # The parent of the subshell has ended when the sandbox is set up.
    orphaned = '( while [ -e /proc/$$/exe ]; do sleep 0.01; done; exec "$@" ) & exit 0'
    ended = subprocess.run(
        ["sh", "-c", orphaned, "sh", *argv], capture_output=True, text=True, check=True
    )
    assert ended.stdout == ""


def test_reading_and_writing_have_the_lowest_priority(tmp_path: Path) -> None:
    box = box_of("landlock", tmp_path)
    assert ran(box.wrap(["ionice"])).stdout.split() == ["best-effort:", "prio", "7"]


def test_a_stopped_program_is_gone_at_once_whatever_it_does_with_signals() -> None:
    began = []

    def stopped() -> bool:
        return bool(began)

    with pytest.raises(Stopped):
        run(
            ["sh", "-c", "trap '' TERM; echo $$; while :; do sleep 1; done"],
            clock=SystemClock(),
            stopped=stopped,
            wall_seconds=None,
            on_line=lambda line: began.append(int(line)) is None,
        )
    with pytest.raises(ProcessLookupError):
        os.kill(began[0], 0)


def test_a_program_that_starts_others_without_end_is_ended() -> None:
    """This runs without any sandbox, where other programs can be started."""
    script = "i=0; while [ $i -lt 600 ]; do sleep 60 & i=$((i+1)); done; wait"
    with pytest.raises(TooManyThreads):
        ran(["sh", "-c", script], Bounds(threads=40))


def test_a_filter_that_a_cleaner_took_is_made_again() -> None:
    first = filter_file()
    assert first is not None
    first.unlink()
    again = filter_file()
    assert again is not None
    assert again.stat().st_size % 8 == 0 < again.stat().st_size


@needs_root("it runs a program as another user")
def test_an_unprivileged_users_box_has_a_limit_of_processes_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tusd_py.worker.media import sandbox

    monkeypatch.setattr(sandbox, "MAX_THREADS", 20)
    script = "i=0; while [ $i -lt 60 ]; do sleep 60 & i=$((i+1)); done; echo all; kill 0"
    argv = box_of("bwrap", Path("/usr/bin/true")).wrap(["sh", "-c", script])
    ended = ran(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *_unfiltered(argv)])
    assert "all" not in ended.stdout
    assert "fork" in ended.stderr


def _unfiltered(argv: list[str]) -> list[str]:
    """Return the sandbox without the filter, whose file is another user's."""
    shell = argv.index("sh")
    rest = argv[shell + 4 :]
    at = rest.index("--seccomp")
    return argv[:shell] + rest[:at] + rest[at + 2 :]


CALLS = """
import ctypes, json, sys
libc = ctypes.CDLL(None, use_errno=True)
zeros = [ctypes.c_long(0)] * 6
def code(number, *given):
    ctypes.set_errno(0)
    arguments = [ctypes.c_long(value) for value in given] + zeros[len(given):]
    return ctypes.get_errno() if libc.syscall(ctypes.c_long(number), *arguments) < 0 else 0
print(json.dumps({name: code(*call) for name, call in json.loads(sys.argv[1]).items()}))
"""


@pytest.mark.parametrize("kind", BOXES)
def test_what_a_decoder_has_no_use_for_is_refused(kind: Kind, tmp_path: Path) -> None:
    resolve = ctypes.CDLL(LIBRARY).seccomp_syscall_resolve_name
    calls = {name: [resolve(name.encode())] for name in DENIED}
    calls = {name: call for name, call in calls.items() if call[0] >= 0}
    assert {"ptrace", "keyctl", "bpf", "unshare", "mount", "socket", "io_uring_setup"} <= set(calls)
    clone = resolve(b"clone")
    for flag in (0x10000000, 0x20000000, 0x40000000, 0x00020000, 0x02000000):
        calls[f"clone {flag:x}"] = [clone, flag]
    calls["O_TMPFILE"] = [resolve(b"openat"), -100, 0, 0x410002]
    ended = ran(box_of(kind, tmp_path).wrap([PYTHON, "-c", CALLS, json.dumps(calls)]))
    assert ended.code == 0, ended.stderr
    codes = json.loads(ended.stdout)
    assert {name: code for name, code in codes.items() if code != errno.EPERM} == {}
    free = ran([PYTHON, "-c", CALLS, json.dumps({"memfd_create": calls["memfd_create"]})])
    assert json.loads(free.stdout) == {"memfd_create": errno.EFAULT}


TAKEN_OVER = """
import ctypes, errno, fcntl, json, os, resource, sys
victim, other = int(sys.argv[1]), sys.argv[2]
libc = ctypes.CDLL(None, use_errno=True)
def called(number, *arguments):
    if libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, arguments)) < 0:
        raise OSError(ctypes.get_errno(), "")
def starts():
    if os.fork() == 0:
        os._exit(0)
numbers = json.loads(sys.argv[3])
reader, writer = os.pipe()
attempts = {
    "kill": lambda: os.kill(victim, 9),
    "kill all": lambda: os.kill(-1, 0),
    "kill a thread": lambda: called(numbers["tgkill"], victim, victim, 9),
    "a queued signal": lambda: called(numbers["rt_sigqueueinfo"], victim, 9, 0),
    "signals of a pipe": lambda: fcntl.fcntl(reader, fcntl.F_SETOWN, victim),
    "their number": lambda: fcntl.fcntl(reader, fcntl.F_SETSIG, 9),
    "limits": lambda: resource.prlimit(victim, resource.RLIMIT_CPU, (1, 1)),
    "priority": lambda: os.setpriority(os.PRIO_PROCESS, victim, 19),
    "scheduling": lambda: os.sched_setscheduler(victim, os.SCHED_IDLE, os.sched_param(0)),
    "processors": lambda: os.sched_setaffinity(victim, {0}),
    "mode": lambda: os.chmod(other, 0o777),
    "times": lambda: os.utime(other, (0, 0)),
    "owner": lambda: os.chown(other, os.getuid(), os.getgid()),
    "outliving the worker": lambda: called(numbers["prctl"], 1, 0),
    "a process": starts,
}
def code(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
print(json.dumps({name: code(attempt) for name, attempt in attempts.items()}))
"""


@pytest.mark.parametrize("kind", BOXES)
def test_no_other_process_and_no_other_files_rights_can_be_changed(
    kind: Kind, tmp_path: Path
) -> None:
    resolve = ctypes.CDLL(LIBRARY).seccomp_syscall_resolve_name
    calls = ("tgkill", "rt_sigqueueinfo", "prctl")
    numbers = json.dumps({name: resolve(name.encode()) for name in calls})
    other = tmp_path / "other"
    other.touch(mode=0o600)
    with subprocess.Popen(["sleep", "60"]) as victim:
        try:
            argv = [PYTHON, "-c", TAKEN_OVER, str(victim.pid), str(other), numbers]
            ended = ran(box_of(kind, tmp_path).wrap(argv))
            assert set(json.loads(ended.stdout).values()) == {"EPERM"}, ended
            assert victim.poll() is None
        finally:
            victim.kill()
    assert other.stat().st_mode & 0o777 == 0o600


def test_files_without_bytes_are_counted(tmp_path: Path) -> None:
    script = (
        "import signal, sys\nfor n in range(500): open(f'{sys.argv[1]}/{n}', 'w')\nsignal.pause()"
    )
    box = box_of("landlock", Path("/usr/bin/true"), tmp_path)
    with pytest.raises(TooMuchOutput):
        ran(box.wrap([PYTHON, "-c", script, str(tmp_path)]), Bounds(folder=tmp_path, folder_size=9))


REACHES = """
import json, os, pathlib, sys
source, made, refused = sys.argv[1], pathlib.Path(sys.argv[2]), json.loads(sys.argv[3])
print(open(source).read())
made.write_text("x")
def reaches(what, *arguments):
    try:
        what(*arguments)
    except OSError:
        return
    print("reached", what, arguments)
for path in refused["read"]:
    reaches(open, path)
for path in refused["write"]:
    reaches(open, path, "w")
reaches(os.symlink, "x", made.parent / "link")
reaches(os.mkdir, made.parent / "folder")
reaches(os.unlink, made)
"""


@pytest.mark.parametrize("kind", ["bwrap", "landlock"])
def test_only_the_output_folder_can_be_written_and_only_the_source_read(
    kind: Kind, tmp_path: Path
) -> None:
    source, output, other = tmp_path / "source", tmp_path / "out", tmp_path / "other"
    output.mkdir()
    source.write_text("mine")
    other.write_text("another user's")
    box = box_of(kind, source, output)
    made = box.output_seen("made")
    refused = {
        "read": [str(other), "/etc/passwd", f"/proc/{os.getpid()}/environ"],
        "write": [
            *(f"{folder}/new" for folder in (tmp_path, "/tmp", "/dev", "/dev/shm", "")),
            box.source_seen,
        ],
    }
    argv = [PYTHON, "-c", REACHES, box.source_seen, made, json.dumps(refused)]
    ended = ran(box.wrap(argv))
    assert ended.stdout.split() == ["mine"], ended.stderr
    assert ended.code == 0
    assert [path.name for path in output.iterdir()] == ["made"]
    assert source.read_text() == "mine"


@pytest.mark.parametrize("kind", BOXES)
def test_the_real_tools_run_behind_the_filter(kind: Kind, tmp_path: Path) -> None:
    output = tmp_path / "out"
    output.mkdir()
    source = video(tmp_path / "clip.mp4", seconds=1.0)
    box = box_of(kind, source, output)
    made = ran(
        box.wrap(
            [
                "ffmpeg", "-nostdin", "-v", "error", "-i", f"file:{box.source_seen}",
                "-threads", "2", "-movflags", "+faststart", f"file:{box.output_seen('made.mp4')}",
            ]
        )
    )  # fmt: skip
    assert (made.code, made.stderr) == (0, "")
    inner = box_of(kind, output / "made.mp4")
    ended = ran(inner.wrap(probe_argv("ffprobe", inner.source_seen, "mov")))
    assert parse_ffprobe(ended.stdout) is not None


def test_every_kind_of_overrun_is_named() -> None:
    """Callers catch one base class."""
    for error in (TooManyThreads, TooMuchOutput, CpuTimeExceeded, running.Stalled):
        assert issubclass(error, running.LimitExceeded)
