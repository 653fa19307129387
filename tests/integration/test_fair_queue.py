"""Whose job a worker claims next, on both queues: users take turns, lanes have their threads."""

from pathlib import Path

import pytest
from support.bench import Bench

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.settings.model import Settings
from worker.pipeline.attempt import Attempt


@pytest.fixture(params=["embedded", "rabbitmq"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    values: dict[str, object] = {"data_dir": tmp_path, "workers": 1}
    if request.param == "rabbitmq":
        broker = request.getfixturevalue("rabbitmq")
        values["rabbitmq"] = {
            "host": "127.0.0.1", "port": broker.port, "user": broker.user,
            "password": broker.password, "vhost": broker.virtual_host(),
        }  # fmt: skip
    made = Bench(tmp_path, monkeypatch, Settings(**values))  # type: ignore[arg-type]
    yield made
    made.ports.close()


def taken(bench: Bench, count: int) -> list[UploadId]:
    """Return the tasks that a worker claims, in order; each ends before the next is claimed."""
    order: list[UploadId] = []

    def steps(attempt: Attempt) -> None:
        order.append(attempt.job.task_id)
        attempt.ports.catalog.jobs.fail(
            attempt.job.task_id, fence=attempt.job.fence, error_code="x", error_msg="x"
        )

    for _ in range(count):
        bench.take(steps)
    return order


def test_a_user_with_one_file_does_not_wait_for_a_hundred_of_another(bench: Bench) -> None:
    first = [bench.submit(b"film %d" % number, UserId(1)) for number in range(100)]
    (begun,) = taken(bench, 1)
    assert begun == first[0]
    other = bench.submit(b"another user's", UserId(2))
    assert taken(bench, 3) == [other, *first[1:3]]
