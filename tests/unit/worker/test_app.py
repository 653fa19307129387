"""Tests what a worker reports of its threads."""

from support.patient_checks import patient
from support.workers import WorkerInProcess

from tusd_py.monitoring.checks import Status


def test_a_worker_that_lost_a_thread_is_not_alive(worker: WorkerInProcess) -> None:
    """A worker without one of its threads reports that (hole 17)."""
    whole = worker.whole()
    assert not whole.alive()
    whole.start()
    assert whole.alive()
    assert patient(whole.checks()).readiness().status is Status.DEGRADED  # it has no ffmpeg
    whole.stop(10)
    assert not whole.alive()
    found = patient(whole.checks()).readiness()
    failing = {name for name, reason in found.reasons.items() if reason}
    assert (found.status, failing) == (Status.FAILING, {"draining", "worker", "ffmpeg"})
