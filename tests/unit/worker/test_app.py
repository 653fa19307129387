"""Tests what a worker reports of its threads."""

from support.bench import TOOLS, Bench

from tusd_py.monitoring.checks import Checks, Status
from worker.app import Worker


def test_a_worker_that_lost_a_thread_is_not_alive(bench: Bench) -> None:
    """A worker without one of its threads reports that (hole 17)."""
    worker = Worker(bench.settings, bench.ports, tools=TOOLS, relays=False)
    assert not worker.alive()
    worker.start()
    assert worker.alive()
    assert Checks(worker.checks()).readiness().status is Status.DEGRADED  # it has no ffmpeg
    worker.stop(10)
    assert not worker.alive()
    found = Checks(worker.checks()).readiness()
    failing = {name for name, reason in found.reasons.items() if reason}
    assert (found.status, failing) == (Status.FAILING, {"draining", "worker", "ffmpeg"})
