"""Health, readiness and figures of a server and a worker process on real services."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from support.cluster import Cluster, running_cluster
from support.metrics import Figures, failing, metrics
from support.server import Server
from support.services import MariaDb, RabbitMq, Redis, Service, free_port
from support.tus import create, upload
from support.waiting import wait_until

from tusd_py.monitoring.checks import NO_ANSWER


@dataclass
class Services:
    """Services of these tests alone, which may stop them."""

    mariadb: MariaDb
    redis: Redis
    rabbitmq: RabbitMq

    def all(self) -> tuple[Service, ...]:
        return (self.mariadb, self.redis, self.rabbitmq)


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    made = Services(MariaDb(), Redis(), RabbitMq())
    try:
        made.rabbitmq.launch()
        made.redis.start()
        made.mariadb.start()
        made.rabbitmq.wait()
        yield made
    finally:
        for service in made.all():
            service.close()


@dataclass
class Site:
    """A server without a worker, and the address where a worker will answer."""

    cluster: Cluster
    port: int

    @property
    def server(self) -> Server:
        return self.cluster.servers[0]

    @property
    def worker_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def begin_worker(self) -> None:
        self.cluster.add_worker(TUSD_WORKER_LISTEN=f"127.0.0.1:{self.port}")
        wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.worker_url}/healthz").status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def site(tmp_path: Path, services: Services) -> Iterator[Site]:
    with running_cluster(
        tmp_path / "data", services.mariadb, services.redis, services.rabbitmq,
        servers=1, workers=0,
    ) as cluster:  # fmt: skip
        yield Site(cluster, free_port())


def shared(found: Figures) -> Figures:
    """Return what all processes must report alike; ages and memory change between two requests."""
    names = (
        "tusd_jobs",
        "tusd_uploads_open",
        "tusd_outbox",
        "tusd_tasks",
        "tusd_processing",
        "tusd_queue",
        "tusd_scrape",
    )
    return {
        name: value
        for name, value in found.items()
        if name.startswith(names) and "oldest" not in name
    }


def test_figures_after_a_known_workload_are_exact_and_the_same_everywhere(
    site: Site, services: Services
) -> None:
    server, cluster = site.server, site.cluster
    contents = [os.urandom(10_000 + number) for number in range(5)]
    tasks = [upload(server, content) for content in contents]
    create(server, 100)
    wait_until(lambda: metrics(server.url)["tusd_queue_messages"] == 5)
    before = metrics(server.url)
    assert before["tusd_jobs,queued"] == before["tusd_jobs_due"] == 5
    assert before["tusd_jobs_due_oldest_seconds"] > 0
    assert before["tusd_uploads_open"] == 1
    assert before["tusd_tasks_ended,completed,1h"] == 0
    assert not any("ratio" in name or "mean" in name for name in before)

    # Bits flip on the disk before a worker comes: these two fail for good.
    for task in tasks[:2]:
        path = cluster.data_dir / "uploads" / task[:2] / task
        held = path.read_bytes()
        path.write_bytes(bytes([held[0] ^ 1]) + held[1:])
    site.begin_worker()
    for number, task in enumerate(tasks):
        server.wait_for_status(task, "failed" if number < 2 else "completed")
    instant = upload(server, contents[4])
    server.wait_for_status(instant, "completed")

    def settled() -> bool:
        found = metrics(server.url)
        return (
            found["tusd_tasks_ended,completed,1h"] == 4
            and found["tusd_queue_messages"] == 0
            and found["tusd_outbox_rows,outcome"] == 0
        )

    wait_until(settled)
    here = metrics(server.url)
    for span in ("1h", "24h"):
        assert here[f"tusd_tasks_ended,completed,{span}"] == 4
        assert here[f"tusd_tasks_ended,failed,{span}"] == 2
        assert here[f"tusd_tasks_success_ratio,{span}"] == pytest.approx(4 / 6)
    assert (here["tusd_jobs,queued"], here["tusd_jobs,running"], here["tusd_jobs,failed"]) == (
        0,
        0,
        2,
    )
    assert here["tusd_queue_dead_messages"] == 0
    with server.operator() as operator:
        seen = operator.get("/api/admin/overview").json()
    assert seen["away"] == []
    assert {failure["task_id"] for failure in seen["failures"]} == set(tasks[:2])
    assert [(worker["slots"], worker["jobs"]) for worker in seen["workers"]] == [(1, [])]
    assert seen["storage"]["files"] == 3
    assert seen["storage"]["instant_bytes"] == 0, "it was sent, and found at its end"
    assert here["tusd_uploads_created_total"] == 7
    assert here["tusd_uploads_finished_total"] == 6
    database = cluster.env["TUSD_MYSQL__DATA_SOURCE"].partition(")/")[2].partition("?")[0]
    mean = services.mariadb.execute(
        f"SELECT avg(duration) FROM {database}.file_upload_history"
        f" WHERE status = 'completed' AND task_id <> '{instant}'"
    )
    assert here["tusd_processing_mean_seconds"] == pytest.approx(float(mean), abs=1e-3)

    wait_until(lambda: shared(metrics(site.worker_url)) == shared(metrics(server.url)))
    there = metrics(site.worker_url)
    assert there["tusd_worker_attempts_total,done"] == 3
    assert there["tusd_worker_attempts_total,failed"] == 2
    assert there["tusd_worker_step_seconds_count,inspect"] == 5
    assert there["tusd_worker_step_seconds_count,store"] == 3
    assert there["tusd_view_memory_bytes"] > 100_000
    assert not any(task in httpx.get(f"{site.worker_url}/metrics").text for task in tasks)


KILL: tuple[Callable[[Service], None], Callable[[Service], None]] = (Service.kill, Service.start)
FREEZE = (Service.pause, Service.resume)


@pytest.mark.parametrize(("stop", "start"), [KILL, FREEZE], ids=["killed", "frozen"])
def test_what_is_away_is_named_by_both_and_they_recover(
    site: Site,
    services: Services,
    stop: Callable[[Service], None],
    start: Callable[[Service], None],
) -> None:
    site.begin_worker()
    both = (site.server.url, site.worker_url)
    rows = [
        (services.redis, "tasks", "degraded", "degraded"),
        (services.mariadb, "catalog", "failing", "failing"),
        # This test is the last one: RabbitMQ 3.10 may forget a queue that is killed with it right
        # after its declaration (docs/distributed.md).
        (services.rabbitmq, "queue", "degraded", "degraded"),
    ]
    site.server.wait_for_status(upload(site.server, os.urandom(1000)), "completed")
    for url in both:
        wait_until(lambda url=url: failing(url) == (200, "ready", {}))  # type: ignore[misc]
    for service, name, *verdicts in rows:
        stop(service)
        try:
            for url, verdict in zip(both, verdicts, strict=True):
                expected = (503 if verdict == "failing" else 200, verdict, {name})
                wait_until(lambda url=url, expected=expected: _verdict(url) == expected)  # type: ignore[misc]
                reasons = failing(url)[2]
                assert reasons[name] == NO_ANSWER or "can't be reached" in reasons[name]
                assert httpx.get(f"{url}/healthz").status_code == 200
                _only_this_part_gives_no_figures(url, name)
            if name == "queue":
                meanwhile = upload(site.server, os.urandom(1000))
                site.server.wait_for_status(meanwhile, "completed")
        finally:
            start(service)
        for url in both:
            wait_until(lambda url=url: failing(url) == (200, "ready", {}), timeout=60)  # type: ignore[misc]
    site.server.wait_for_status(upload(site.server, os.urandom(1000)), "completed")
    for url in both:
        wait_until(lambda url=url: _errors(url) == set())  # type: ignore[misc]


def _verdict(url: str) -> tuple[int, str, set[str]]:
    """Return status, verdict, and the names of the failing checks."""
    status, verdict, reasons = failing(url)
    return status, verdict, set(reasons)


def _errors(url: str) -> set[str]:
    found = metrics(url)
    return {
        name.partition(",")[2]
        for name, value in found.items()
        if name.startswith("tusd_scrape_error") and value
    }


def _only_this_part_gives_no_figures(url: str, name: str) -> None:
    def given() -> dict[str, bool]:
        found = metrics(url)
        return {
            "catalog": "tusd_jobs_due" in found,
            "queue": "tusd_queue_messages" in found,
            "tasks": "tusd_view_memory_bytes" in found,
        }

    # An answer of a moment ago may still be cached, or another part may have been late.
    wait_until(lambda: _errors(url) == {name})
    wait_until(lambda: given() == {"catalog": True, "queue": True, "tasks": True, name: False})


def test_a_worker_answers_nothing_else(site: Site) -> None:
    site.begin_worker()
    url = site.worker_url
    assert httpx.get(f"{url}/").status_code == 404
    assert httpx.get(f"{url}/files/").status_code == 404
    assert httpx.post(f"{url}/metrics").status_code == 501
    head = httpx.head(f"{url}/readyz")
    assert (head.status_code, head.content) == (200, b"")
    healthy = httpx.get(f"{url}/healthz")
    assert healthy.json() == {"status": "ok", "worker": "alive"}
    assert healthy.headers["Content-Type"] == "application/json"
    assert "Python" not in healthy.headers["Server"]
