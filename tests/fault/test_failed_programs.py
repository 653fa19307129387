"""Whatever happens to ffmpeg, the user has the file, and reads whose failure it was."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.media import video
from support.server import Server, running_server
from support.tus import upload

PROGRAM = """#!/bin/sh
# Stands for ffmpeg or ffprobe: does what the file "mode" names, or is the real one.
[ "$1" = -version ] && exec {real} -version
mode=$(cat {folder}/mode)
echo "$mode" >> {folder}/{name}.runs
number=$(wc -l < {folder}/{name}.runs)
case "{name}:$mode" in
  ffmpeg:killed) kill -9 $$ ;;
  ffmpeg:killed-once) [ "$number" = 1 ] && kill -9 $$ ;;
  ffmpeg:crashes) kill -SEGV $$ ;;
  ffmpeg:stopped) kill -STOP $$ ;;
  ffmpeg:stopped-once) [ "$number" = 1 ] && kill -STOP $$ ;;
  ffmpeg:hangs) while :; do echo out_time_us=1; sleep 0.1; done ;;
  ffmpeg:no-memory) echo "x264 [error]: malloc of size 5484672 failed" >&2; exit 1 ;;
  ffmpeg:disk-full) echo "[error] Error writing trailer: No space left on device" >&2; exit 1 ;;
  ffmpeg:no-sandbox) echo "bwrap: setting up uid map: Permission denied" >&2; exit 1 ;;
  ffprobe:probe-killed) kill -9 $$ ;;
  ffprobe:probe-killed-once) [ "$number" = 1 ] && kill -9 $$ ;;
esac
exec {real} "$@"
"""


class Programs:
    """The server's ffmpeg and ffprobe, which fail in a given way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("ffmpeg", "ffprobe"):
            text = PROGRAM.format(folder=folder, name=name, real=f"/usr/bin/{name}")
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)

    def do(self, mode: str) -> None:
        (self.folder / "mode").write_text(mode)
        for name in ("ffmpeg", "ffprobe"):
            (self.folder / f"{name}.runs").write_text("")

    def runs(self, name: str = "ffmpeg") -> int:
        return len((self.folder / f"{name}.runs").read_text().split())


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return Programs(tmp_path_factory.mktemp("programs"))


@contextmanager
def serving(programs: Programs, folder: Path, *, stall_timeout: str) -> Iterator[Server]:
    env = {
        "TUSD_MEDIA__SANDBOX": "off",
        "TUSD_MEDIA__FFMPEG": str(programs.folder / "ffmpeg"),
        "TUSD_MEDIA__FFPROBE": str(programs.folder / "ffprobe"),
        "TUSD_MEDIA__PRESET": "ultrafast",
        "TUSD_MEDIA__STALL_TIMEOUT": stall_timeout,
        "TUSD_JOBS__RESOURCE_BACKOFF": "0.5s",
        "TUSD_JOBS__RELAY_EVERY": "0.1s",
    }
    with running_server(folder / "data", "--workers", "1", env=env) as running:
        yield running


@pytest.fixture(scope="module")
def server(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that gives a program up which makes no progress, and no slow one."""
    with serving(programs, tmp_path_factory.mktemp("server"), stall_timeout="6s") as running:
        yield running


@pytest.fixture(scope="module")
def impatient(programs: Programs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for programs of which none may succeed, however slow the machine is."""
    with serving(programs, tmp_path_factory.mktemp("impatient"), stall_timeout="1s") as running:
        yield running


def clip(path: Path, number: int) -> Path:
    """Return a film of its own, so that no other test's result is taken for it."""
    return video(path / f"clip{number}.mp4", seconds=1.0, rate=10 + number)


@pytest.mark.parametrize(("number", "mode"), [(1, "killed-once"), (2, "stopped-once")])
def test_a_program_that_failed_once_is_tried_again(
    server: Server, programs: Programs, tmp_path: Path, number: int, mode: str
) -> None:
    programs.do(mode)
    source = clip(tmp_path, number)
    task = upload(server, source)
    done = server.wait_for_status(task, "completed", "failed")
    assert (done["status"], done["message"], done["note_codes"]) == ("completed", "上传完成", [])
    assert len(httpx.get(f"{server.files}{task}").content) < source.stat().st_size


@pytest.mark.parametrize(
    ("number", "mode", "code"),
    [
        (3, "killed", "processing_interrupted"),
        (4, "crashes", "processing_interrupted"),
        (5, "stopped", "processing_hung"),
        (6, "hangs", "processing_hung"),
        (7, "no-memory", "out_of_memory"),
    ],
)
def test_a_program_that_failed_twice_leaves_the_file_as_it_was_sent(
    impatient: Server, programs: Programs, tmp_path: Path, number: int, mode: str, code: str
) -> None:
    programs.do(mode)
    source = clip(tmp_path, number)
    task = upload(impatient, source)
    done = impatient.wait_for_status(task, "completed", "failed")
    assert (done["status"], done["note_codes"]) == ("completed", [code])
    assert "可稍后重新处理" in str(done["message"])
    assert "解码" not in str(done["message"])
    assert programs.runs() == 2
    assert httpx.get(f"{impatient.files}{task}").content == source.read_bytes()


@pytest.mark.parametrize(("number", "mode"), [(8, "disk-full"), (9, "no-sandbox")])
def test_a_failure_of_the_deployment_is_waited_for(
    server: Server, programs: Programs, tmp_path: Path, number: int, mode: str
) -> None:
    programs.do(mode)
    source = clip(tmp_path, number)
    task = upload(server, source)
    waiting = server.wait_for_message(task, "等待资源")
    assert waiting["status"] not in ("completed", "failed")
    programs.do("works")
    done = server.wait_for_status(task, "completed", "failed")
    assert (done["status"], done["message"]) == ("completed", "上传完成")
    database = sqlite3.connect(server.data_dir / "catalog.sqlite3")
    try:
        counted = database.execute(
            "SELECT attempts, crash_count FROM jobs WHERE task_id = ?", (task,)
        ).fetchone()
    finally:
        database.close()
    assert counted == (0, 0)


@pytest.mark.parametrize(
    ("number", "mode", "codes"),
    [(10, "probe-killed", ["processing_interrupted"]), (11, "probe-killed-once", [])],
)
def test_a_look_at_a_file_that_was_killed_is_no_verdict(
    server: Server, programs: Programs, tmp_path: Path, number: int, mode: str, codes: list[str]
) -> None:
    programs.do(mode)
    source = clip(tmp_path, number)
    task = upload(server, source)
    done = server.wait_for_status(task, "completed", "failed")
    assert (done["status"], done["note_codes"]) == ("completed", codes)
    content = httpx.get(f"{server.files}{task}").content
    assert (content == source.read_bytes()) == bool(codes)
