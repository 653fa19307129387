"""The picture program is killed: that is no failure of the picture."""

import io
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from PIL import Image
from support.server import Server, running_server
from support.tus import upload
from support.waiting import wait_until

PROGRAM = b"boxed/start.py"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server") / "data"
    with running_server(folder, "--workers", "1", env={"TUSD_INSTANT__SCOPE": "off"}) as running:
        yield running


def running_programs(server: Server) -> list[int]:
    """Return the picture programs below the server's process, inside their sandboxes too."""
    found, waiting = [], [server.pid]
    while waiting:
        folder = Path(f"/proc/{waiting.pop()}")
        with suppress(OSError):
            for thread in (folder / "task").iterdir():
                waiting += map(int, (thread / "children").read_text().split())
            argv = (folder / "cmdline").read_bytes().split(b"\0")
            if any(part.endswith(PROGRAM) for part in argv) and b"python" in argv[0]:
                found.append(int(folder.name))
    return found


def kill(server: Server) -> int:
    """Kill the programs that run now and return their number."""
    killed = 0
    for pid in running_programs(server):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


def photograph(seed: int) -> bytes:
    """Return a picture whose reading takes a while."""
    file = io.BytesIO()
    Image.effect_noise((2000, 2000), 40 + seed).convert("RGB").save(file, "PNG", compress_level=1)
    return file.getvalue()


def test_a_program_that_was_killed_once_is_run_again(server: Server) -> None:
    sent = photograph(1)
    task = upload(server, sent, "once.png")
    wait_until(lambda: kill(server) > 0)
    done = server.wait_for_status(task, "completed", "failed")
    assert (done["status"], done["note_codes"]) == ("completed", [])
    assert done["renditions"] == ["original", "thumbnail", "preview"]
    assert httpx.get(f"{server.files}{task}").content == sent


def test_a_program_that_is_killed_each_time_leaves_the_picture_as_it_was_sent(
    server: Server,
) -> None:
    sent = photograph(2)
    task = upload(server, sent, "always.png")

    def ended() -> bool:
        kill(server)
        return server.progress(task).get("status") in ("completed", "failed")

    wait_until(ended)
    done = server.progress(task)
    assert (done["status"], done["note_codes"]) == ("completed", ["processing_interrupted"])
    assert done["renditions"] == ["original"]
    assert httpx.get(f"{server.files}{task}").content == sent
