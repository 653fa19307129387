"""The paths for machines on one embedded server: health, readiness, figures."""

import base64
import hashlib
import os
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import anyio
import httpx
import pytest
from support.media import video
from support.metrics import Figures, failing, metrics, parsed
from support.process_set import children
from support.raw_http import silent_patch
from support.served_app import ServedApp, served_app
from support.server import Server, running_server
from support.tus import append, create, head, patch, post, task_id, upload
from support.waiting import wait_until

from tusd_py import Settings
from tusd_py.app import request_shutdown

FILES = "/files/{resource:path}"


def requests(found: Figures, method: str, status: str, route: str = FILES) -> float:
    return found.get(f"tusd_http_requests_total,{method},{route},{status}", 0.0)


def healthy_members(server: Server) -> dict[str, str]:
    """Return what a healthy server says of itself; several processes have their worker apart."""
    return {"status": "ok", "worker": "elsewhere" if children(server) else "alive"}


def test_an_idle_server_is_healthy_and_ready(server: Server) -> None:
    healthy = httpx.get(f"{server.url}/healthz")
    assert (healthy.status_code, healthy.json()) == (200, healthy_members(server))
    assert failing(server.url) == (200, "ready", {})


def test_no_page_reads_them_and_no_cache_keeps_them(server: Server) -> None:
    for path in ("/healthz", "/readyz", "/metrics"):
        response = httpx.get(f"{server.url}{path}", headers={"Origin": "https://page.example"})
        assert response.status_code == 200, path
        assert not [name for name in response.headers if name.startswith("access-control")]
        assert response.headers["Cache-Control"] == "no-store"
        head = httpx.head(f"{server.url}{path}")
        assert (head.status_code, head.content) == (200, b"")


def test_a_data_directory_that_is_gone_is_named(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", "--workers", "0") as server:
        aside = tmp_path / "aside"
        (tmp_path / "data").rename(aside)
        status, verdict, reasons = failing(server.url)
        assert (status, verdict) == (503, "failing")
        # The object store was in the removed directory; the open databases still work.
        assert set(reasons) == {"disk", "objects"}
        assert str(tmp_path) not in str(reasons)
        aside.rename(tmp_path / "data")
        assert failing(server.url) == (200, "ready", {})


def test_what_uploads_did_is_counted_exactly(server: Server) -> None:
    content = os.urandom(50_000)
    url = create(server, len(content))
    append(url, 0, content[:20_000])
    wrong = "sha1 " + base64.b64encode(hashlib.sha1(b"else").digest()).decode()
    refused = patch(url, 20_000, content[20_000:30_000], Upload_Checksum=wrong)
    assert refused.status_code == 460
    append(url, 20_000, content[20_000:])
    response = post(server, 5, b"bytes", filename="x", filehash="blake3:" + "0" * 64)
    assert response.status_code == 460, response.text
    server.wait_for_status(task_id(url), "completed")
    found = metrics(server.url)
    assert found["tusd_uploads_created_total"] == 2
    assert found["tusd_uploads_finished_total"] == 1
    assert found["tusd_received_bytes_total"] == 50_000 + 10_000 + 5
    assert found["tusd_uploads_refused_total,checksum_mismatch"] == 1
    assert found["tusd_uploads_refused_total,hash_mismatch"] == 1
    assert found["tusd_uploads_refused_total,type_mismatch"] == 0
    assert requests(found, "POST", "2xx") == 1
    assert requests(found, "POST", "4xx") == 1
    assert requests(found, "PATCH", "2xx") == 2
    assert requests(found, "PATCH", "4xx") == 1


def test_a_body_that_a_newer_request_ends_is_counted_as_taken_over(server: Server) -> None:
    content = os.urandom(100_000)
    url = create(server, len(content))
    path = server.file_of(url)
    with silent_patch(url, 0, len(content), content[:40_000]):
        wait_until(lambda: path.stat().st_size == 40_000)
        append(url, 40_000, content[40_000:])
    found = metrics(server.url)
    assert found["tusd_uploads_taken_over_total"] == 1
    assert found["tusd_received_bytes_total"] == len(content)


def test_attempts_and_steps_of_the_worker_inside_are_counted(
    server: Server, tmp_path: Path
) -> None:
    task = upload(server, video(tmp_path / "clip.mp4"))
    server.wait_for_status(task, "completed")
    wait_until(lambda: metrics(server.url)["tusd_worker_attempts_total,done"] == 1)
    # An attempt is counted before it leaves those that run.
    wait_until(lambda: metrics(server.url)["tusd_worker_attempts_running"] == 0)
    found = metrics(server.url)
    assert found["tusd_worker_slots"] == 1
    for step in ("inspect", "transcode", "store", "record", "clean_up"):
        assert found[f"tusd_worker_step_seconds_count,{step}"] == 1
    compressing = found["tusd_worker_ffmpeg_seconds_total"]
    assert 0 < compressing <= found["tusd_worker_step_seconds_sum,transcode"]
    assert found["process_resident_memory_bytes"] > 0


def test_open_streams_are_counted_while_they_are_open(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", "--workers", "0") as server:
        url = create(server, 10)
        events = f"{server.url}/api/file/upload/events"
        with httpx.stream("GET", events), httpx.stream("GET", f"{events}/{task_id(url)}"):
            wait_until(lambda: metrics(server.url)["tusd_listeners,sse"] == 2)
        wait_until(lambda: metrics(server.url)["tusd_listeners,sse"] == 0)
        from websockets.sync.client import connect

        follow = f"ws{server.url.removeprefix('http')}/api/file/upload/ws/{task_id(url)}"
        with connect(follow):
            wait_until(lambda: metrics(server.url)["tusd_listeners,websocket"] == 1)
        wait_until(lambda: metrics(server.url)["tusd_listeners,websocket"] == 0)


def test_what_clients_make_up_becomes_no_label(server: Server) -> None:
    name = "f" * 32
    httpx.get(f"{server.url}/made/up/{name}")
    head(f"{server.files}{name}")
    httpx.request("PUT", f"{server.url}/api/file/upload/progress/{name}")
    text = httpx.get(f"{server.url}/metrics").text
    found = parsed(text)
    assert name not in text
    assert "PUT" not in text
    assert str(server.data_dir) not in text
    assert requests(found, "GET", "4xx", "none") == 1
    assert requests(found, "HEAD", "4xx") == 1
    assert requests(found, "other", "4xx", "/api/file/upload/progress/{task_id}") == 1


def app_in(folder: Path) -> AbstractAsyncContextManager[ServedApp]:
    return served_app(Settings(data_dir=folder, workers=0))


def test_two_applications_in_one_process_count_apart(tmp_path: Path) -> None:
    async def main() -> None:
        async with app_in(tmp_path / "a") as one, app_in(tmp_path / "b") as other:
            for _ in range(3):
                await one.client.get("/")
            here = parsed((await one.client.get("/metrics")).text)
            there = parsed((await other.client.get("/metrics")).text)
            assert requests(here, "GET", "2xx", "/") == 3
            assert requests(there, "GET", "2xx", "/") == 0
            assert (await other.client.get("/healthz")).json()["worker"] == "elsewhere"

    anyio.run(main)


def test_a_server_that_drains_takes_no_more(tmp_path: Path) -> None:
    async def main() -> None:
        async with app_in(tmp_path / "a") as app:
            assert (await app.client.get("/readyz")).status_code == 200
            request_shutdown(app.context)
            answer = await app.client.get("/readyz")
            assert (answer.status_code, answer.json()["status"]) == (503, "failing")
            failed = [
                name
                for name, check in answer.json()["checks"].items()
                if check["status"] == "failing"
            ]
            assert failed == ["draining"]
            assert (await app.client.get("/healthz")).status_code == 200

    anyio.run(main)


@pytest.fixture(params=["127.0.0.1:0", "socket"])
def apart(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Server, httpx.Client]]:
    """Run a server with a separate address for figures, and yield a client of it."""
    place = tmp_path / "figures.sock"
    listen = str(place) if request.param == "socket" else request.param
    env = {"TUSD_MONITORING_LISTEN": listen}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        line = next(line for line in server.lines if line.startswith("figures "))
        address = line.split()[1].removesuffix("/metrics")
        if request.param == "socket":
            assert address == f"unix:{place}"
            assert place.stat().st_mode & 0o777 == 0o660
            transport = httpx.HTTPTransport(uds=str(place))
            client = httpx.Client(transport=transport, base_url="http://localhost")
        else:
            client = httpx.Client(base_url=address)
        with client:
            yield server, client
        if request.param == "socket":
            # The next server removes the socket that a killed one left.
            server.kill()
            assert place.is_socket()
            server.start()
    assert not place.exists()


def test_readiness_and_figures_have_an_address_of_their_own(
    apart: tuple[Server, httpx.Client],
) -> None:
    server, monitor = apart
    for path in ("/readyz", "/metrics"):
        for headers in ({}, {"Host": "localhost"}, {"X-Forwarded-For": "127.0.0.1"}):
            assert httpx.get(f"{server.url}{path}", headers=headers).status_code == 404
    assert httpx.get(f"{server.url}/healthz").json() == healthy_members(server)
    assert monitor.get("/healthz").json() == healthy_members(server)
    assert monitor.get("/readyz").json()["status"] == "ready"
    assert "tusd_received_bytes_total" in monitor.get("/metrics").text
    for path in ("/", "/admin", "/files/", "/api/file/upload/tasks"):
        assert monitor.get(path).status_code == 404
    if monitor.base_url.port:
        for host in ("evil.example", "", "127.0.0.1.evil.example", "localhost, evil.example"):
            assert monitor.get("/metrics", headers={"Host": host}).status_code == 421
