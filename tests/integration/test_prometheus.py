"""Alerts and dashboard of deploy/monitoring, tried with a real Prometheus."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.media import video
from support.prometheus import MONITORING, Prometheus
from support.required import needs_programs
from support.server import Server, running_server
from support.tus import task_id, upload
from support.waiting import wait_until

pytestmark = needs_programs("prometheus")

MAY_BE_EMPTY = ("tusd_hooks_total",)
"""No event was delivered to hooks here."""
OF_A_BUSY_MACHINE = {"LoopLate"}
"""Fires for minutes when the server did not run for a moment, since alerts have no delay here."""


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Prometheus]]:
    folder = tmp_path_factory.mktemp("data")
    env = {"TUSD_MEDIA__ON_FAILURE": "fail", "TUSD_MEDIA__MAX_PIXELS": "100"}
    with running_server(folder / "data", "--workers", "1", env=env) as server:
        prometheus = Prometheus([server.url.removeprefix("http://")])
        try:
            prometheus.start()
            server.wait_for_status(task_id(upload(server, b"content", "a.txt")), "completed")
            server.wait_for_status(task_id(upload(server, video(folder / "clip.mp4"))), "failed")
            yield server, prometheus
        finally:
            prometheus.close()


def test_promtool_takes_configuration_and_rules(tmp_path: Path) -> None:
    for command in (("check", "config", "prometheus.yml"), ("check", "rules", "alerts.yml")):
        done = subprocess.run(
            ["promtool", *command], cwd=MONITORING, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_failed_job_sets_off_its_alerts_and_no_others(
    scraped: tuple[Server, Prometheus],
) -> None:
    _, prometheus = scraped
    # Rules about rates are judged once there are two scrapes.
    wait_until(lambda: prometheus.query("rate(tusd_event_loop_lag_seconds_count[5m])"))
    # A scrape that took too long is an alert too, until the next one.
    wait_until(lambda: prometheus.firing() - OF_A_BUSY_MACHINE == {"DeadLetters", "TasksFail"})


def test_every_query_of_the_dashboard_is_answered(scraped: tuple[Server, Prometheus]) -> None:
    _, prometheus = scraped
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    assert len(queries) > 25
    for query in queries:
        filled = query.replace("$__rate_interval", "1m")
        if any(name in query for name in MAY_BE_EMPTY):
            prometheus.query(filled)
        else:
            wait_until(lambda filled=filled: prometheus.query(filled))  # type: ignore[misc]


def test_a_server_that_is_gone_is_noticed(scraped: tuple[Server, Prometheus]) -> None:
    server, prometheus = scraped
    server.kill()
    wait_until(lambda: "ProcessGone" in prometheus.firing())
