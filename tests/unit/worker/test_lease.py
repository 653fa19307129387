"""Tests when a lease ends, and that it is given up before."""

import pytest
from support.bench import Bench
from support.catalog import claim

from tusd_py.domain.errors import (
    BackendError,
    LeaseLost,
)
from worker.lease import Lease
from worker.pipeline.attempt import Attempt


def test_a_lease_is_given_up_before_it_ends(bench: Bench) -> None:
    bench.submit()

    def steps(attempt: Attempt) -> None:
        bench.clock.advance(49)
        attempt.lease.check()
        bench.clock.advance(2)
        with pytest.raises(LeaseLost):
            attempt.lease.check()
        attempt.lease.check()

    bench.take(steps)


def test_a_lease_that_is_renewed_goes_on(bench: Bench) -> None:
    bench.submit()

    def steps(attempt: Attempt) -> None:
        for _ in range(10):
            bench.clock.advance(30)
            bench.consumer.renew()
            attempt.lease.check()
        assert bench.consumer.busy() == 1

    bench.take(steps)
    assert bench.consumer.busy() == 0


def test_a_database_that_is_away_for_a_moment_costs_no_lease(bench: Bench) -> None:
    bench.submit()
    job = claim(bench.ports.catalog, owner="w")
    assert job is not None

    class Away:
        def renew(self, *_: object, **__: object) -> None:
            raise BackendError

    lease = Lease(Away(), job, seconds=60, clock=bench.clock)  # type: ignore[arg-type]
    bench.clock.advance(30)
    lease.renew()
    assert not lease.ended()
    bench.clock.advance(25)
    lease.renew()
    assert lease.ended()
