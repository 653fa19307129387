"""Readiness: the table of verdicts, and parts that hang or break."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from support.migrated import put_catalog
from support.patient_checks import patient
from support.waiting import wait_until

from tusd_py.domain.errors import BackendError, StorageFull
from tusd_py.monitoring import checks
from tusd_py.monitoring.checks import (
    DEAD_THREAD,
    NO_ANSWER,
    NO_FFMPEG,
    STOPPING,
    UNEXPECTED,
    Check,
    Checks,
    Status,
    check_disk,
    health,
    server_checks,
    threads_check,
    verdict,
    worker_checks,
)
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_ports


def passes() -> None:
    """Pass: nothing is wrong."""


def refuses() -> None:
    raise BackendError("It is away.")


def test_operators_read_which_service_failed_and_others_do_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    said = ["the queue, RabbitMQ at broker:5672/: Connection refused"]

    def fails() -> None:
        if said:
            raise BackendError("The queue can't be reached.", reason=said[0])

    one_check = Checks([Check(name="queue", probe=fails, vital=False)])
    for _ in range(3):
        found = one_check.readiness()
    shown = {"status": "failing", "reason": "The queue can't be reached."}
    assert found.members()["checks"] == {"queue": shown}
    operators = found.members(for_operators=True)["checks"]
    assert operators == {"queue": {**shown, "detail": said[0]}}
    said[0] = "the queue, RabbitMQ at broker:5672/: no answer in time"
    one_check.readiness()
    said.clear()
    assert "detail" not in one_check.readiness().members(for_operators=True)["checks"]["queue"]
    records = [record for record in caplog.records if record.getMessage() == "check.failed"]
    assert [vars(record)["reason"].rpartition(": ")[2] for record in records] == [
        "Connection refused",
        "no answer in time",
    ]


VITAL = Check(name="vital", probe=passes, vital=True)
SPARE = Check(name="spare", probe=passes, vital=False)


@pytest.mark.parametrize(
    ("vital", "spare", "status", "http_status"),
    [
        ("", "", Status.READY, 200),
        ("", "away", Status.DEGRADED, 200),
        ("away", "", Status.FAILING, 503),
        ("away", "away", Status.FAILING, 503),
    ],
)
def test_the_verdict_is_that_of_the_worst_answer(
    vital: str, spare: str, status: Status, http_status: int
) -> None:
    found = verdict([VITAL, SPARE], {"vital": vital, "spare": spare})
    assert (found.status, found.http_status) == (status, http_status)


def test_the_answer_names_what_fails_and_why() -> None:
    found = Checks([VITAL, Check(name="spare", probe=refuses, vital=False)]).readiness()
    assert found.members() == {
        "status": "degraded",
        "checks": {
            "vital": {"status": "ok"},
            "spare": {"status": "failing", "reason": "It is away."},
        },
    }


class Hanging:
    """A check that does not return until it is released."""

    def __init__(self) -> None:
        self.calls = 0
        self.let_go = threading.Event()

    def probe(self) -> None:
        self.calls += 1
        assert self.let_go.wait(60)


@pytest.fixture
def hanging() -> Iterator[Hanging]:
    made = Hanging()
    yield made
    made.let_go.set()


@pytest.mark.slow
def test_a_part_that_hangs_is_named_and_delays_no_other(hanging: Hanging) -> None:
    checks = Checks(
        [Check(name="vital", probe=hanging.probe, vital=True), SPARE], limit_seconds=1.0
    )
    for _ in range(2):
        found = checks.readiness()
        assert found.status is Status.FAILING
        assert found.reasons == {"vital": NO_ANSWER, "spare": ""}
    assert hanging.calls == 1
    hanging.let_go.set()
    wait_until(lambda: checks.readiness().status is Status.READY and hanging.calls > 1)


def test_a_part_that_hangs_is_logged_once_and_again_once_it_says_why(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = Checks([Check(name="queue", probe=passes, vital=False)])
    silent, failed = Future[object](), Future[object]()
    failed.set_exception(BackendError("The queue can't be reached.", reason="no route to broker"))
    for answer in (silent, silent, failed, silent, failed, silent):
        monkeypatch.setattr(checks._probes, "run", lambda answer=answer: {"queue": answer})
        checks.readiness()
    records = [record for record in caplog.records if record.getMessage() == "check.failed"]
    assert [vars(record)["reason"] for record in records] == [NO_ANSWER, "no route to broker"]


def test_a_part_that_needs_longer_than_the_limit_to_fail_is_shown_with_what_it_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checks = Checks([Check(name="queue", probe=passes, vital=False)])
    late, slow, silent = Future[object](), Future[object](), Future[object]()

    def shown(answer: "Future[object]") -> object:
        monkeypatch.setattr(checks._probes, "run", lambda: {"queue": answer})
        return checks.readiness().members(for_operators=True)["checks"]["queue"]

    no_answer = {"status": "failing", "reason": NO_ANSWER}
    assert shown(late) == no_answer
    late.set_exception(BackendError("The queue can't be reached.", reason="no route to broker"))
    assert shown(slow) == {**no_answer, "detail": "no route to broker"}
    slow.set_result(None)
    assert shown(silent) == no_answer


def test_a_check_that_fails_unexpectedly_discloses_nothing() -> None:
    def breaks() -> None:
        raise ValueError("/secret/path")

    found = Checks([Check(name="vital", probe=breaks, vital=True)]).readiness()
    assert found.reasons == {"vital": UNEXPECTED}
    assert found.status is Status.FAILING


def test_full_storage_takes_no_server_out_of_service() -> None:
    """If no request were sent any more, nothing could be deleted."""

    def full() -> None:
        raise StorageFull("It is full.")

    found = Checks([Check(name="disk", probe=full, vital=True)]).readiness()
    assert (found.status, found.http_status) == (Status.DEGRADED, 200)
    assert found.reasons == {"disk": "It is full."}


def test_a_directory_that_takes_files_passes_and_keeps_none(tmp_path: Path) -> None:
    check_disk(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory_is_reported(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="can't be written") as caught:
        check_disk(tmp_path / "gone")
    assert str(tmp_path) not in caught.value.detail


def test_a_disk_below_the_reserve_counts_as_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "RESERVE_BYTES", 1 << 60)
    with pytest.raises(BackendError, match="almost full"):
        check_disk(tmp_path)


@pytest.mark.parametrize(
    ("alive", "status", "members"),
    [
        (None, 200, {"status": "ok", "worker": "elsewhere"}),
        (lambda: True, 200, {"status": "ok", "worker": "alive"}),
        (lambda: False, 503, {"status": "failing", "worker": "dead"}),
    ],
)
def test_health_is_that_of_the_workers_threads(
    alive: Callable[[], bool] | None, status: int, members: dict[str, str]
) -> None:
    assert health(alive) == (status, members)


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[Ports]:
    put_catalog(tmp_path / "data")
    opened = open_ports(Settings(data_dir=tmp_path / "data"))
    yield opened
    opened.close()


def test_a_server_on_whole_ports_is_ready_until_it_stops(tmp_path: Path, ports: Ports) -> None:
    stopping = threading.Event()
    checks = patient(server_checks(ports, tmp_path / "data", stopping.is_set))
    assert checks.readiness().status is Status.READY
    stopping.set()
    found = checks.readiness()
    assert found.status is Status.FAILING
    assert {name for name, reason in found.reasons.items() if reason} == {"draining"}
    assert found.reasons["draining"] == STOPPING


def test_a_server_goes_on_without_queue_view_and_objects_and_a_worker_without_less(
    tmp_path: Path, ports: Ports
) -> None:
    def vital(made: list[Check]) -> set[str]:
        return {check.name for check in made if check.vital}

    server = server_checks(ports, tmp_path, lambda: False)
    worker = worker_checks(
        ports, tmp_path, lambda: False, ffmpeg=True, ask_scanner=None, sandbox_weakness=""
    )
    assert vital(server) == {"catalog", "disk", "draining"}
    assert vital(worker) == {"catalog", "disk", "draining"}
    assert {check.name for check in server} - vital(server) == {"queue", "tasks", "objects"}
    assert {check.name for check in worker} - vital(worker) == {
        "queue",
        "tasks",
        "objects",
        "ffmpeg",
        "sandbox",
    }


def test_a_worker_without_ffmpeg_is_degraded_and_without_a_thread_of_no_use(
    tmp_path: Path, ports: Ports
) -> None:
    made = worker_checks(
        ports, tmp_path / "data", lambda: False, ffmpeg=False, ask_scanner=None, sandbox_weakness=""
    )
    found = patient([*made, threads_check(lambda: True, vital=True)]).readiness()
    assert (found.status, found.reasons["ffmpeg"]) == (Status.DEGRADED, NO_FFMPEG)
    found = patient([*made, threads_check(lambda: False, vital=True)]).readiness()
    assert (found.status, found.reasons["worker"]) == (Status.FAILING, DEAD_THREAD)
