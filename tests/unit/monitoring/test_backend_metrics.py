"""Figures of the backends: exact while they answer, left out and named while they do not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.clock import FakeClock
from support.ids import fresh_id
from support.metrics import parsed
from support.migrated import put_catalog

from tusd_py.catalog.values import CatalogMetrics
from tusd_py.domain.ids import UserId
from tusd_py.domain.upload import Upload
from tusd_py.monitoring.backend_metrics import CACHE_SECONDS, BackendMetrics
from tusd_py.monitoring.registry import Metrics
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_ports


class Bench:
    """A registry on real embedded ports."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        put_catalog(folder)
        self.ports: Ports = open_ports(Settings(data_dir=folder), clock=self.clock)

    def registered(self, ports: Ports | None = None) -> Metrics:
        metrics = Metrics()
        BackendMetrics(metrics.registry, ports or self.ports, self.clock)
        return metrics

    def begin_upload(self) -> None:
        self.ports.catalog.uploads.add(
            Upload(id=fresh_id(), user_id=UserId(1), length=10, created_at=1.0)
        )


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "data")
    yield made
    made.ports.close()


def read(made: Metrics) -> dict[str, float]:
    return dict(parsed(made.text().decode()))


def test_registering_reads_nothing(bench: Bench) -> None:
    bench.ports.close()
    bench.registered()


def test_a_scrape_has_figures_of_all_parts(bench: Bench) -> None:
    bench.begin_upload()
    found = read(bench.registered())
    assert found["tusd_uploads_open"] == 1
    assert found["tusd_queue_messages"] == found["tusd_queue_dead_messages"] == 0
    assert found["tusd_view_memory_bytes"] > 0
    errors = {name for name, value in found.items() if "scrape_error" in name and value}
    assert errors == set()
    # Nothing ended: there is no ratio and no mean, rather than a wrong one.
    assert not any("ratio" in name or "mean" in name for name in found)


def test_answers_are_kept_for_a_moment(bench: Bench) -> None:
    metrics = bench.registered()
    assert read(metrics)["tusd_uploads_open"] == 0
    bench.begin_upload()
    assert read(metrics)["tusd_uploads_open"] == 0
    bench.clock.advance(CACHE_SECONDS)
    assert read(metrics)["tusd_uploads_open"] == 1


class BrokenMetrics:
    """Has a defect in ``Catalog.operations``."""

    def metrics(self) -> CatalogMetrics:
        raise ZeroDivisionError


def test_a_part_without_figures_is_named_and_the_others_are_shown(bench: Bench) -> None:
    bench.ports.tasks.close()
    bench.ports.catalog.operations = BrokenMetrics()  # type: ignore[assignment]
    found = read(bench.registered(bench.ports))
    assert {name: value for name, value in found.items() if "scrape_error" in name} == {
        "tusd_scrape_error,catalog": 1.0,
        "tusd_scrape_error,queue": 0.0,
        "tusd_scrape_error,tasks": 1.0,
    }
    assert "tusd_queue_messages" in found
    assert not any(name.startswith(("tusd_jobs", "tusd_view")) for name in found)
