"""Users on a real server with its pipeline: the command line, tickets, proof of a file."""

import asyncio
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.server import Server, running_server
from support.tokens import SECRET, bearer
from support.tus import create, task_id

from tusd_py.client import AsyncClient, Client, Options
from tusd_py.client.resume_store import ResumeStore

AUTH = {
    "TUSD_AUTH__ACCESS_SECRET": SECRET,
    "TUSD_INSTANT__SCOPE": "tenant",
    "TUSD_INSTANT__MIN_SIZE": "1MiB",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running_server(tmp_path_factory.mktemp("data"), env=AUTH) as server:
        yield server


def token(user: int, tenant: str = "") -> str:
    """Return a token as the operator makes one."""
    argv = [".venv/bin/tusd-py", "token", "--user", str(user)]
    done = subprocess.run(
        [*argv, *(["--tenant", tenant] if tenant else [])],
        env={**os.environ, **AUTH}, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.strip()


class Sender:
    """One user's machine."""

    def __init__(self, server: Server, state: Path, user: int, tenant: str = "") -> None:
        self.server = server
        self.token = token(user, tenant)
        self.env = {
            **os.environ,
            "XDG_STATE_HOME": str(state / str(user)),
            "TUSD_TOKEN": self.token,
        }

    def upload(self, file: Path, *flags: str) -> list[dict[str, object]]:
        done = subprocess.run(
            [".venv/bin/tusd-py", "upload", str(file), "--url", self.server.files,
             "--json", *flags],
            env=self.env, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def received(self) -> float:
        text = httpx.get(f"{self.server.url}/metrics").text
        line = next(ln for ln in text.splitlines() if ln.startswith("tusd_received_bytes_total "))
        return float(line.split()[1])


def test_a_colleague_proves_and_a_stranger_sends(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "film.bin"
    file.write_bytes(os.urandom(3 << 20))
    first, colleague = Sender(server, tmp_path, 1, "acme"), Sender(server, tmp_path, 2, "acme")
    stranger = Sender(server, tmp_path, 3, "other")
    states = first.upload(file)
    assert states[-1]["status"] == "completed"
    sent = first.received()
    assert sent == file.stat().st_size
    states = colleague.upload(file)
    assert states[-1]["status"] == "completed"
    assert colleague.received() == sent, "nothing was sent"
    states = stranger.upload(file)
    assert states[-1]["status"] == "completed"
    assert stranger.received() == 2 * sent
    states = first.upload(file)
    assert states[-1]["status"] == "completed"
    assert first.received() == 2 * sent


def test_a_page_follows_with_a_ticket(server: Server, tmp_path: Path) -> None:
    """EventSource sends no header: the ticket in its address is valid for a minute."""
    me = bearer(token(5))
    task = task_id(create(server, 3, headers=me))
    tickets = f"{server.url}/api/file/upload/tickets"
    answer = httpx.post(tickets, headers=me, json={"task_id": task})
    assert (answer.status_code, answer.json()["expires_in"]) == (200, 60)
    events = f"{server.url}/api/file/upload/events/{task}?ticket={answer.json()['ticket']}"
    with httpx.stream("GET", events) as stream:
        first = next(line for line in stream.iter_lines() if line.startswith("data:"))
    assert json.loads(first.removeprefix("data:"))["task_id"] == task


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "malformed_request"),
        (b"[]", 400, "malformed_request"),
        (b'{"task_id": 7}', 404, "task_not_found"),
        (b'{"task_id": "../x"}', 404, "task_not_found"),
        (b" " * 5000, 400, "malformed_request"),
        (b"[" * 4000, 400, "malformed_request"),
    ],
)
def test_a_malformed_request_for_a_ticket_is_refused(
    server: Server, content: bytes, status: int, code: str
) -> None:
    tickets = f"{server.url}/api/file/upload/tickets"
    refused = httpx.post(tickets, headers=bearer(token(5)), content=content)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


def test_the_uploader_reports_why_it_may_not(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"x")
    done = subprocess.run(
        [".venv/bin/tusd-py", "upload", str(file), "--url", server.files],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == (
        f"tusd-py: {file}: {server.files} needs a token: tusd-py login {server.files}\n"
    )


def test_the_python_client_waits_for_what_becomes_of_a_file(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(os.urandom(100_000))
    options = Options(resume_store=ResumeStore(tmp_path / "state"))
    with Client(server.files, token=token(11), options=options) as client:
        first = client.upload(file, {"filename": "b.bin"})
        state = client.wait(first)
        assert (state["status"], first.instant) == ("completed", False)
        assert client.upload(file).instant


def test_the_asynchronous_client_sends_many_at_a_time(server: Server, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.bin" for number in range(5)]
    for file in files:
        file.write_bytes(os.urandom(300_000))
    options = Options(resume_store=ResumeStore(tmp_path / "state"), chunk_bytes=100_000)

    async def main() -> list[str]:
        async with AsyncClient(server.files, token=token(12), options=options) as client:
            sent = await asyncio.gather(*(client.upload(file) for file in files))
            states = await asyncio.gather(*(client.wait(each) for each in sent))
        return [str(state["status"]) for state in states]

    assert asyncio.run(main()) == ["completed"] * 5


def test_the_uploader_sends_several_files_in_parallel(server: Server, tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.bin" for number in range(4)]
    for file in files:
        file.write_bytes(os.urandom(200_000))
    files.append(tmp_path / "missing.bin")
    done = subprocess.run(
        [
            ".venv/bin/tusd-py", "upload", *map(str, files), "--url", server.files,
            "--parallel", "3",
        ],
        env={**os.environ, "XDG_STATE_HOME": str(tmp_path), "TUSD_TOKEN": token(13)},
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "missing.bin: No such file or directory" in done.stderr
    for file in files[:4]:
        lines = [line for line in done.stdout.splitlines() if line.startswith(f"{file.name}: ")]
        assert f"{file.name}: completed" in lines, done.stdout
