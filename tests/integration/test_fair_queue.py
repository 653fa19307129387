"""Whose job a worker claims next, on both queues: users take turns, lanes have their threads."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.workers import WorkerInProcess

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.worker.pipeline.attempt import Attempt


@pytest.fixture(params=["embedded", "rabbitmq"])
def worker(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WorkerInProcess]:
    settings = {}
    if request.param == "rabbitmq":
        broker = request.getfixturevalue("rabbitmq")
        settings["rabbitmq"] = {
            "host": "127.0.0.1", "port": broker.port, "user": broker.user,
            "password": broker.password, "vhost": broker.virtual_host(),
        }  # fmt: skip
    with WorkerInProcess(tmp_path, monkeypatch, **settings) as worker:
        yield worker


def taken(worker: WorkerInProcess, count: int) -> list[UploadId]:
    """Return the tasks that a worker claims, in order; each ends before the next is claimed."""
    order: list[UploadId] = []

    def steps(attempt: Attempt) -> None:
        order.append(attempt.job.task_id)
        attempt.ports.catalog.jobs.fail(
            attempt.job.task_id, fence=attempt.job.fence, error_code="x", error_msg="x"
        )

    for _ in range(count):
        worker.attempt(steps)
    return order


def test_a_user_with_one_file_does_not_wait_for_a_hundred_of_another(
    worker: WorkerInProcess,
) -> None:
    first = [worker.submit(b"film %d" % number, UserId(1)) for number in range(100)]
    (begun,) = taken(worker, 1)
    assert begun == first[0]
    other = worker.submit(b"another user's", UserId(2))
    assert taken(worker, 3) == [other, *first[1:3]]
