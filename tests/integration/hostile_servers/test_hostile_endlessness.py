"""Clients against a server that wants their time and their memory."""

import gzip
import tracemalloc
from pathlib import Path

import pytest
from support.hostile import Answering, HostileServer, Request, answer, event
from support.hostile_clients import KINDS, TASK, upload_by
from typer.testing import CliRunner

from tusd_py.cli.main import application
from tusd_py.client import Refused, Unreachable
from tusd_py.clock import SystemClock
from tusd_py.doctor.deployment.exposure import check_exposure
from tusd_py.doctor.deployment.probe_client import ProbeClient
from tusd_py.doctor.findings import Level


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "to_later_requests",
    [
        lambda request: answer(204, Upload_Offset="0"),
        lambda request: answer(204, Upload_Offset="11"),
        lambda request: answer(204, Upload_Offset="9" * 5000),
        lambda request: answer(204),
        lambda request: answer(404) if request.method == "HEAD" else answer(503),
        lambda request: answer(503, Retry_After="31536000"),
        lambda request: answer(200, Upload_Offset="5")
        if request.method == "HEAD" else answer(204, Upload_Offset="2"),
        lambda request: answer(200, bytes(4 << 20)),
    ],
    ids=["nothing taken", "too much", "huge", "no offset", "forgets", "a year", "back", "4 MiB"],
)  # fmt: skip
def test_an_upload_that_does_not_move_ends(
    file: Path, tmp_path: Path, kind: str, to_later_requests: Answering
) -> None:
    def answering(request: Request) -> bytes:
        if request.method == "POST":
            return answer(201, Location="/files/abc")
        found = to_later_requests(request)
        assert isinstance(found, bytes)
        return found

    with HostileServer(answering) as server:
        with pytest.raises((Refused, Unreachable)):
            upload_by(kind, server.files, file, tmp_path)
        assert len(server.requests) <= 20


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("127.0.0.1:8888/files/", 2),
        ("localhost:8888", 2),
        ("http://127.0.0.1:99999/files/", 2),
        ("http://no-such-host.invalid/files/", 3),
        ("http://127.0.0.1:1/files/", 3),
    ],
)
@pytest.mark.parametrize("command", ["upload", "download", "watch", "tasks"])
def test_what_was_never_reached_is_given_up_soon_and_reported(
    file: Path, url: str, code: int, command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    waited: list[float] = []
    monkeypatch.setattr("time.sleep", waited.append)

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    named = {"upload": [str(file)], "tasks": []}.get(command, [TASK])
    done = CliRunner().invoke(application(), [command, *named, "--url", url])
    assert done.exit_code == code, done.output
    assert sum(waited) <= 10
    assert done.output.startswith("tusd-py: ")
    if "no-such-host" in url:
        assert waited == []


def test_a_missing_task_is_reported_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    missing = answer(404, b'{"detail": "There is no such task."}')
    with HostileServer(lambda _: missing) as server:
        done = CliRunner().invoke(application(), ["watch", TASK, "--url", server.files])
        assert (done.exit_code, done.output) == (1, "tusd-py: There is no such task.\n")
        assert len(server.requests) <= 4


def test_the_same_state_again_and_again_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with HostileServer(lambda _: event(status="pending", progress=0)) as server:
        done = CliRunner().invoke(application(), ["watch", TASK, "--url", server.files])
        assert done.exit_code == 3
        assert len(server.requests) < 70


@pytest.mark.parametrize(
    "body",
    [
        b"data: " + b"x" * (1 << 20),
        b"data: xxxxxxxx\n" * (1 << 17),
        b"data: [[\n\n",
        b"data: 7\n\n",
    ],
    ids=["one line", "many lines", "no JSON", "a number"],
)
def test_events_that_fill_the_memory_end(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    with HostileServer(lambda _: answer(200, body)) as server:
        done = CliRunner().invoke(application(), ["watch", TASK, "--url", server.files])
    assert done.exit_code in (1, 3)
    assert done.output.startswith("tusd-py: ")


def test_the_doctors_requests_as_a_stranger_take_no_memory() -> None:
    bomb = answer(200, gzip.compress(bytes(64 << 20)), Content_Encoding="gzip")
    with HostileServer(lambda _: bomb) as server:
        probe = ProbeClient(server.files, origin=None, token=None, clock=SystemClock())
        tracemalloc.start()
        try:
            findings = check_exposure(probe)
            assert tracemalloc.get_traced_memory()[1] < 8 << 20
        finally:
            tracemalloc.stop()
            probe.close()
    assert all(finding.level is Level.OK for finding in findings)
    assert len(server.requests) == 5
