"""Tests when a lease ends, and that it is given up before."""

import pytest
from support.catalog import claim
from support.workers import WorkerInProcess

from tusd_py.domain.errors import (
    BackendError,
    LeaseLost,
)
from tusd_py.worker.lease import Lease
from tusd_py.worker.pipeline.attempt import Attempt


def test_a_lease_is_given_up_before_it_ends(worker: WorkerInProcess) -> None:
    worker.submit()

    def steps(attempt: Attempt) -> None:
        worker.clock.advance(49)
        attempt.lease.check()
        worker.clock.advance(2)
        with pytest.raises(LeaseLost):
            attempt.lease.check()
        attempt.lease.check()

    worker.attempt(steps)


def test_a_lease_that_is_renewed_goes_on(worker: WorkerInProcess) -> None:
    worker.submit()

    def steps(attempt: Attempt) -> None:
        for _ in range(10):
            worker.clock.advance(30)
            worker.consumer.renew()
            attempt.lease.check()
        assert worker.consumer.busy() == 1

    worker.attempt(steps)
    assert worker.consumer.busy() == 0


def test_a_database_that_is_away_for_a_moment_costs_no_lease(worker: WorkerInProcess) -> None:
    worker.submit()
    job = claim(worker.ports.catalog, owner="w")
    assert job is not None

    class Away:
        def renew(self, *_: object, **__: object) -> None:
            raise BackendError

    lease = Lease(Away(), job, seconds=60, clock=worker.clock)  # type: ignore[arg-type]
    worker.clock.advance(30)
    lease.renew()
    assert not lease.ended()
    worker.clock.advance(25)
    lease.renew()
    assert lease.ended()
