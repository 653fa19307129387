"""A deployment gets a broker, or gives it up, while jobs wait: all of them are done."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.services import RabbitMq
from support.workers import WorkerInProcess

from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import JobState
from tusd_py.jobs.outbox import relay_outbox

Open = Callable[..., WorkerInProcess]


@pytest.fixture
def open_worker(tmp_path: Path, rabbitmq: RabbitMq, monkeypatch: pytest.MonkeyPatch) -> Open:
    address = {
        "host": "127.0.0.1", "port": rabbitmq.port, "user": rabbitmq.user,
        "password": rabbitmq.password, "vhost": rabbitmq.virtual_host(),
    }  # fmt: skip

    def open_one(*, broker: bool) -> WorkerInProcess:
        return WorkerInProcess(tmp_path, monkeypatch, rabbitmq=address if broker else {})

    return open_one


def done(worker: WorkerInProcess, tasks: list[UploadId]) -> bool:
    return all(worker.job(task_id).state is JobState.DONE for task_id in tasks)


def test_jobs_that_were_queued_with_a_broker_are_done_without_it(open_worker: Open) -> None:
    with open_worker(broker=True) as before:
        assert before.ports.broker is not None
        published = before.submit(b"published")
        assert relay_outbox(before.ports.catalog.jobs, before.ports.broker) == 1
        unsent = before.submit(b"its message is in the outbox")
    with open_worker(broker=False) as now:
        assert now.ports.broker is None
        assert now.ports.catalog.jobs.pending_jobs(10) == []
        assert now.ports.queue.depth() == 2
        now.attempt()
        now.attempt()
        assert done(now, [published, unsent])


def test_jobs_that_were_queued_without_a_broker_are_done_without_messages(
    open_worker: Open,
) -> None:
    with open_worker(broker=False) as before:
        waiting = [before.submit(b"%d" % number) for number in range(2)]
    with open_worker(broker=True) as now:
        assert now.ports.broker is not None
        assert relay_outbox(now.ports.catalog.jobs, now.ports.broker) == 0
        assert now.ports.queue.depth() == 0
        now.attempt()
        now.attempt()
        assert done(now, waiting)
