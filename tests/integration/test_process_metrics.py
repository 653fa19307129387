"""Health and figures of several processes of one port, from outside."""

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import httpx
import pytest
from support.metrics import Figures, by_process, failing, metrics_text
from support.process_set import children, stop
from support.server import Server, running_server
from support.tus import task_id, upload
from support.waiting import wait_until

CONTENT = b"content"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Two servers and their worker, with one address for figures."""
    env = {"TUSD_MONITORING_LISTEN": "127.0.0.1:0"}
    flags = ("--processes", "2", "--workers", "1")
    with running_server(tmp_path / "data", *flags, env=env) as server:
        yield server


def figures_address(server: Server) -> str:
    line = next(line for line in server.lines if line.startswith("figures "))
    return line.split()[1].removesuffix("/metrics")


def up(address: str) -> list[float]:
    """Return for each process whether it gives its metrics."""
    return whether_up(by_process(metrics_text(address)))


def whether_up(found: Mapping[str, Figures]) -> list[float]:
    """Return for each process of a scrape whether it gave its metrics in time."""
    return [one["tusd_process_up"] for one in found.values() if "tusd_process_up" in one]


def whole_scrape(address: str) -> Mapping[str, Figures] | None:
    """Return a scrape to which all three processes have answered, and a job's end has come."""
    found = by_process(metrics_text(address))
    ended = any(one.get("tusd_worker_attempts_total,done", 0) > 0 for one in found.values())
    return found if ended and whether_up(found) == [1, 1, 1] else None


def test_one_scrape_shows_all_processes(server: Server) -> None:
    address = figures_address(server)
    tasks = [task_id(upload(server, CONTENT, "a.txt")) for _ in range(6)]
    for task in tasks:
        server.wait_for_status(task, "completed")
    found = wait_until(lambda: whole_scrape(address))
    of_servers = [one for one in found.values() if "tusd_uploads_created_total" in one]
    assert sum(one["tusd_uploads_created_total"] for one in of_servers) == len(tasks)
    assert len(of_servers) == 2
    assert [one["tusd_worker_slots"] for one in found.values() if "tusd_worker_slots" in one] == [1]
    assert sum("process_open_fds" in one for one in found.values()) == 3
    # What all processes report alike comes once, without their number.
    assert found[""]["tusd_uploads_open"] == 0
    wait_until(lambda: failing(address) == (200, "ready", {}))
    assert httpx.get(f"{server.url}/metrics").status_code == 404

    stopped = children(server)[0]
    stop(stopped)
    try:
        wait_until(lambda: sorted(up(address)) == [0, 1, 1])
    finally:
        os.kill(stopped, signal.SIGCONT)
    wait_until(lambda: up(address) == [1, 1, 1])

    os.kill(stopped, signal.SIGKILL)
    wait_until(lambda: stopped not in children(server) and up(address) == [1, 1, 1])


def test_the_operator_is_known_at_every_process_and_sees_one_worker(server: Server) -> None:
    with server.operator() as browser:
        cookies = dict(browser.cookies)
        for _ in range(8):
            # Each connection may meet another process.
            found = httpx.get(f"{server.url}/api/admin/overview", cookies=cookies)
            overview = found.raise_for_status().json()
            assert [worker["slots"] for worker in overview["workers"]] == [1]
            assert overview["away"] == []
    link = server.operator_link
    answers = [httpx.get(link).status_code for _ in range(8)]
    assert sorted(answers) == [303, *[403] * 7], answers
