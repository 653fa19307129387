"""Metrics of several processes, shown by the one that is scraped."""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram
from support.metrics import Figures, by_process

from tusd_py.monitoring import sibling_metrics
from tusd_py.monitoring.registry import Metrics
from tusd_py.siblings import Siblings, forget_sockets, socket_address


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Await every answer, however slow the machine is."""
    monkeypatch.setattr(sibling_metrics, "LIMIT_SECONDS", 60.0)


class Process:
    """Is one of several processes: all that it has of its own is its number and its registry."""

    def __init__(self, directory: Path, number: int) -> None:
        self.metrics = Metrics(Siblings(directory=directory, number=number, servers=2, secret=b""))
        registry = self.metrics.registry
        self.requests = Counter("answers", "Answers", ("status",), registry=registry)
        self.lag = Histogram("lag_seconds", "Lag", registry=registry, buckets=(1.0,))
        Gauge("jobs", "Jobs of all", registry=self.metrics.installation).set(number + 1)

    def figures(self) -> Mapping[str, Figures]:
        """Return what it shows, by the number of the process; '' has what all report alike."""
        return by_process(self.metrics.text().decode())


@contextmanager
def running(directory: Path, *numbers: int) -> Iterator[list[Process]]:
    with ExitStack() as stack:
        processes = [Process(directory, number) for number in numbers]
        for process in processes:
            stack.enter_context(process.metrics.shared())
        yield processes


def test_each_process_shows_the_metrics_of_all(tmp_path: Path) -> None:
    with running(tmp_path, 0, 1, 4) as processes:
        for times, process in enumerate(processes, 1):
            process.requests.labels("2xx").inc(times)
        for process in processes:
            found = process.figures()
            assert [found[n]["answers_total,2xx"] for n in ("0", "1", "4")] == [1, 2, 3]
            assert [found[n]["tusd_process_up"] for n in ("0", "1", "4")] == [1, 1, 1]


def test_what_all_report_alike_comes_once_from_the_process_that_is_scraped(tmp_path: Path) -> None:
    with running(tmp_path, 0, 1) as (first, second):
        assert first.figures()[""]["jobs"] == 1
        assert second.figures()[""]["jobs"] == 2


def test_a_family_has_one_head(tmp_path: Path) -> None:
    with running(tmp_path, 0, 1) as (first, second):
        first.lag.observe(0.5)
        second.requests.labels("5xx").inc()
        lines = first.metrics.text().decode().splitlines()
    heads = [line for line in lines if line.startswith("#")]
    assert len(heads) == len(set(heads))
    begin = lines.index("# TYPE lag_seconds histogram") + 1
    assert [line for line in lines[begin : begin + 8] if not line.startswith("#")] == [
        'lag_seconds_bucket{le="1.0",process="0"} 1.0',
        'lag_seconds_bucket{le="+Inf",process="0"} 1.0',
        'lag_seconds_count{process="0"} 1.0',
        'lag_seconds_sum{process="0"} 0.5',
        'lag_seconds_bucket{le="1.0",process="1"} 0.0',
        'lag_seconds_bucket{le="+Inf",process="1"} 0.0',
        'lag_seconds_count{process="1"} 0.0',
        'lag_seconds_sum{process="1"} 0.0',
    ]


def test_one_process_has_no_label(tmp_path: Path) -> None:
    alone = Metrics()
    Counter("answers", "Answers", registry=alone.registry).inc()
    with alone.shared():
        text = alone.text().decode()
    assert "answers_total 1.0\n" in text
    assert "process=" not in text
    assert "tusd_process_up" not in text
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_has_ended_is_not_shown(tmp_path: Path) -> None:
    with running(tmp_path, 0) as (first,):
        with running(tmp_path, 1):
            assert first.figures()["1"]["tusd_process_up"] == 1
        assert "1" not in first.figures()


def test_a_dead_process_is_named_until_it_is_forgotten(tmp_path: Path) -> None:
    with running(tmp_path, 0) as (first,):
        with socket.socket(socket.AF_UNIX) as died, at(tmp_path, 1) as address:
            died.bind(address)
        assert first.figures()["1"]["tusd_process_up"] == 0
        forget_sockets(Siblings(directory=tmp_path, number=1, servers=2, secret=b""))
        assert "1" not in first.figures()
        assert first.figures()["0"]["tusd_process_up"] == 1


def test_a_replacement_takes_the_place_of_a_dead_process(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as died, at(tmp_path, 1) as address:
        died.bind(address)
    with running(tmp_path, 0, 1) as (first, _):
        assert first.figures()["1"]["tusd_process_up"] == 1


def test_a_stopped_process_is_named_and_the_others_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sibling_metrics, "LIMIT_SECONDS", 3.0)
    with running(tmp_path, 0, 2) as (first, other), socket.socket(socket.AF_UNIX) as stopped:
        other.requests.labels("2xx").inc()
        with at(tmp_path, 1) as address:
            stopped.bind(address)
        stopped.listen(0)
        for _ in range(3):
            # First it accepts no connection, then its queue is full.
            found = first.figures()
            assert [found[n]["tusd_process_up"] for n in ("0", "1", "2")] == [1, 0, 1]
            assert found["2"]["answers_total,2xx"] == 1


def test_half_an_answer_is_none(tmp_path: Path) -> None:
    with running(tmp_path, 0) as (first,), socket.socket(socket.AF_UNIX) as dying:
        with at(tmp_path, 1) as address:
            dying.bind(address)
        dying.listen()

        def answer() -> None:
            connection, _ = dying.accept()
            with connection:
                connection.sendall(b"# HELP made_up Made up\n# TYPE made_up gauge\nmade_up 1.0\n")

        thread = threading.Thread(target=answer)
        thread.start()
        text = first.metrics.text().decode()
        thread.join()
    assert "made_up" not in text
    assert 'tusd_process_up{process="1"} 0.0\n' in text


def test_a_process_answers_on_after_one_that_did_not_read(tmp_path: Path) -> None:
    with running(tmp_path, 0, 1) as (first, _):
        with at(tmp_path, 1) as address, socket.socket(socket.AF_UNIX) as asker:
            asker.connect(address)
        assert first.figures()["1"]["tusd_process_up"] == 1


def test_the_directory_may_have_a_long_path(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 120) / ("e" * 120)
    directory.mkdir(parents=True)
    with running(directory, 0, 1) as (first, _):
        assert first.figures()["1"]["tusd_process_up"] == 1


@contextmanager
def at(directory: Path, number: int) -> Iterator[str]:
    with socket_address(directory, f"metrics.{number}") as address:
        yield address
