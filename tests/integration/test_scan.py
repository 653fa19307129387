"""Virus scans by a real clamd: an infected file is not stored, a missing verdict is waited for."""

import io
import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from support.clamd import EICAR, MAX_BYTES, ClamdServer
from support.files import files_in
from support.metrics import metrics
from support.server import Server, running_server
from support.tus import TUS, head, upload
from support.waiting import wait_until
from support.workers import running_worker

from tusd_py.clock import SystemClock
from tusd_py.domain.errors import ScannerUnavailable
from tusd_py.worker.clamd import Clamd, ScanResult, Verdict

FAST = {
    "TUSD_JOBS__RELAY_EVERY": "0.1s",
    "TUSD_JOBS__RESOURCE_BACKOFF": "0.2s",
    "TUSD_JOBS__REAP_EVERY": "0.2s",
}


@pytest.fixture(scope="module")
def clamd() -> Iterator[ClamdServer]:
    service = ClamdServer()
    try:
        service.start()
        yield service
    finally:
        service.close()


def settings(clamd: ClamdServer, **more: str) -> dict[str, str]:
    named = {f"TUSD_SCAN__{name.upper()}": value for name, value in more.items()}
    return {
        **FAST, "TUSD_SCAN__ADDRESS": clamd.address, "TUSD_SCAN__MAX_BYTES": str(MAX_BYTES),
        **named,
    }  # fmt: skip


@pytest.fixture
def server(tmp_path: Path, clamd: ClamdServer) -> Iterator[Server]:
    with running_server(tmp_path / "data", "--workers", "1", env=settings(clamd)) as server:
        yield server


def zipped(content: bytes) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("harmless.txt", "nothing")
        archive.writestr("inside/readme.com", content)
    return held.getvalue()


def kept(server: Server) -> list[Path]:
    """Return the files of uploads and objects that exist."""
    folders = [server.data_dir / "uploads", server.data_dir / "objects" / "pool"]
    return files_in(*folders)


@pytest.mark.parametrize("content", [EICAR, zipped(EICAR)], ids=["plain", "in a zip"])
def test_a_virus_is_refused_and_nothing_of_it_is_kept(server: Server, content: bytes) -> None:
    for _ in range(2):
        task = upload(server, content)
        failed = server.wait_for_status(task, "failed", "completed")
        assert (failed["status"], failed["error_code"]) == ("failed", "infected")
        assert failed["message"] == "文件未通过安全检查，已删除"
        assert "Eicar" not in str(failed)
        wait_until(lambda: kept(server) == [])
        download = httpx.get(f"{server.files}{task}", headers=TUS)
        assert download.status_code in (404, 409, 410)
    assert metrics(server.url)["tusd_worker_scans_total,infected"] == 2


def test_what_is_clean_goes_through(server: Server) -> None:
    content = zipped(b"nothing bad")
    done = server.wait_for_status(upload(server, content), "completed", "failed")
    assert done["status"] == "completed"
    found = metrics(server.url)
    assert found["tusd_worker_scans_total,clean"] == 1
    assert found["tusd_worker_step_seconds_count,scan"] == 1


@pytest.mark.parametrize(("policy", "status"), [("refuse", "failed"), ("accept", "completed")])
@pytest.mark.parametrize("by_settings", [True, False], ids=["by settings", "by clamd"])
def test_above_its_limit_policy_decides(
    tmp_path: Path, clamd: ClamdServer, policy: str, status: str, by_settings: bool
) -> None:
    limit = str(MAX_BYTES if by_settings else 10 * MAX_BYTES)
    env = settings(clamd, above_limit=policy, max_bytes=limit)
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        done = server.wait_for_status(
            upload(server, os.urandom(3 * MAX_BYTES)), "completed", "failed"
        )
        assert done["status"] == status
        if status == "failed":
            assert done["error_code"] == "too_large_to_scan"
        assert metrics(server.url)["tusd_worker_scans_total,too_large"] == 1


@pytest.mark.parametrize("away", ["killed", "stopped"])
def test_without_a_verdict_files_wait(tmp_path: Path, away: str) -> None:
    """clamd is killed before the scan, or in the middle of it; then it comes back."""
    clamd = ClamdServer()
    try:
        clamd.start()
        env = settings(clamd, timeout="0.5s")
        with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
            if away == "killed":
                clamd.kill()
            else:
                clamd.pause()
            task, bad = upload(server, b"clean"), upload(server, EICAR)
            wait_until(lambda: metrics(server.url)["tusd_worker_scans_total,unavailable"] >= 3)
            for each in (task, bad):
                waits = httpx.get(f"{server.url}/api/file/upload/progress/{each}").json()
                assert waits["status"] not in ("completed", "failed")
            if away == "killed":
                clamd.start()
            else:
                clamd.resume()
            assert server.wait_for_status(task, "completed", "failed")["status"] == "completed"
            assert server.wait_for_status(bad, "completed", "failed")["status"] == "failed"
    finally:
        clamd.close()


def test_a_scan_is_repeated_when_the_scanner_dies_during_it(tmp_path: Path) -> None:
    clamd = ClamdServer()
    try:
        clamd.start()
        env = settings(clamd, timeout="60s")
        with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
            clamd.pause()
            task = upload(server, os.urandom(900_000))
            # It is connected and has sent all that the buffers of the other side take.
            wait_until(lambda: metrics(server.url)["tusd_worker_attempts_running"] == 1)
            wait_until(lambda: clamd.connections() >= 1)
            clamd.kill()
            wait_until(lambda: metrics(server.url)["tusd_worker_scans_total,unavailable"] >= 1)
            clamd.start()
            assert server.wait_for_status(task, "completed", "failed")["status"] == "completed"
    finally:
        clamd.close()


def test_fail_open_goes_on_without(tmp_path: Path) -> None:
    clamd = ClamdServer()
    env = settings(clamd, on_failure="open")
    clamd.close()
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        done = server.wait_for_status(upload(server, EICAR), "completed", "failed")
        assert done["status"] == "completed"
        assert metrics(server.url)["tusd_worker_scans_total,unavailable"] == 1


def test_a_worker_that_dies_in_a_scan_is_followed_by_another(
    tmp_path: Path, clamd: ClamdServer
) -> None:
    data = tmp_path / "data"
    env = settings(clamd)
    with running_server(data, "--workers", "0", env=env) as server:
        task, bad = upload(server, b"clean"), upload(server, EICAR)
        with running_worker(data, env, TUSD_FAIL="before_transcode:exit") as first:
            assert first.wait(60) != 0
        with running_worker(data, env):
            assert server.wait_for_status(task, "completed", "failed")["status"] == "completed"
            assert server.wait_for_status(bad, "completed", "failed")["status"] == "failed"
        assert head(f"{server.files}{bad}").status_code in (200, 404, 410)


# -- the client by itself


def scanned(address: str, content: bytes, check: Callable[[], None] = lambda: None) -> ScanResult:
    return Clamd(address, SystemClock(), timeout=5).scan(io.BytesIO(content), check)


@pytest.mark.parametrize("by_path", [True, False])
def test_the_client_over_either_socket(clamd: ClamdServer, by_path: bool) -> None:
    address = str(clamd.directory / "clamd.socket") if by_path else clamd.address
    assert scanned(address, b"") == ScanResult(Verdict.CLEAN)
    assert scanned(address, os.urandom(900_000)) == ScanResult(Verdict.CLEAN)
    assert scanned(address, EICAR) == ScanResult(
        Verdict.INFECTED, "Eicar-Test-Signature.UNOFFICIAL"
    )
    assert scanned(address, bytes(20 << 20)).verdict is Verdict.TOO_LARGE
    assert Clamd(address, SystemClock(), timeout=5).version().startswith("ClamAV ")


def test_a_scan_is_called_off(clamd: ClamdServer) -> None:
    class Stop(Exception):
        pass

    def check() -> None:
        raise Stop

    clamd.pause()
    try:
        with pytest.raises(Stop):
            scanned(clamd.address, b"x", check)
    finally:
        clamd.resume()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "/no/such/socket", "no-such-host.invalid:3310"])
def test_a_missing_scanner_is_reported(address: str) -> None:
    with pytest.raises(ScannerUnavailable):
        scanned(address, b"x")
