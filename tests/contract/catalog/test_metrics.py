"""Every catalog keeps these promises: its figures for the metrics (``Catalog``)."""

from dataclasses import replace

from support.catalog import STORED, claimed, complete, finished, upload
from support.clock import FakeClock

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.values import DAY, HOUR, Backlog, EndedCounts


def test_a_catalog_that_answers_passes_its_check(catalog: Catalog) -> None:
    catalog.check()


def test_the_figures_of_an_empty_catalog_are_nothing(catalog: Catalog) -> None:
    found = catalog.operations.metrics()
    assert (found.queued, found.running, found.dead_letters, found.open_uploads) == (0, 0, 0, 0)
    assert found.due == Backlog(rows=0, oldest_seconds=0.0)
    assert found.outbox == {"job": found.due, "outcome": found.due, "hook": found.due}
    assert found.ended == {span: EndedCounts(completed=0, failed=0) for span in (HOUR, DAY)}
    assert found.ended[HOUR].success_ratio is None
    assert found.processing_seconds is None


def test_figures_count_jobs_by_what_may_happen_to_them(catalog: Catalog, clock: FakeClock) -> None:
    # The order is that of the claims: a job that is released adds a row.
    made = []
    for digit in "1234":
        made.append(finished(catalog, digit * 64))
        clock.advance(1)
    running, failed, done, later = made
    catalog.uploads.add(upload())
    clock.advance(96)
    claimed(catalog, running)
    catalog.jobs.fail(failed, fence=claimed(catalog, failed), error_code="x", error_msg="why")
    complete(catalog, done)
    catalog.jobs.retry(
        later, fence=claimed(catalog, later), after_seconds=600, error_code="x", error_msg="why",
        counted=True,
    )  # fmt: skip
    waiting = finished(catalog, "5" * 64)
    clock.advance(20)
    found = catalog.operations.metrics()
    assert (found.queued, found.running, found.dead_letters, found.open_uploads) == (2, 1, 1, 1)
    assert found.due == Backlog(rows=1, oldest_seconds=20.0)
    assert catalog.jobs.get(waiting) is not None
    # The row of the retry is not due yet; two tasks have ended.
    assert found.outbox == {
        "job": Backlog(rows=5, oldest_seconds=120.0),
        "outcome": Backlog(rows=2, oldest_seconds=20.0),
        "hook": Backlog(rows=0, oldest_seconds=0.0),
    }
    catalog.jobs.mark_sent([row for row, _ in catalog.jobs.pending_jobs(10)])
    assert catalog.operations.metrics().outbox["job"] == Backlog(rows=0, oldest_seconds=0.0)
    clock.advance(600)
    assert catalog.operations.metrics().outbox["job"] == Backlog(rows=1, oldest_seconds=20.0)
    assert catalog.operations.metrics().due == Backlog(rows=2, oldest_seconds=620.0)


def test_figures_of_what_ended_are_of_the_last_hour_and_day(
    catalog: Catalog, clock: FakeClock
) -> None:
    for digit, seconds in (("1", 30), ("2", 50)):
        task_id = finished(catalog, digit * 64)
        fence = claimed(catalog, task_id)
        clock.advance(seconds)
        stored = replace(STORED, object_key=f"pool/{digit}")
        catalog.jobs.complete(task_id, fence=fence, stored=stored)
    failed = finished(catalog, "3" * 64)
    catalog.jobs.fail(failed, fence=claimed(catalog, failed), error_code="x", error_msg="why")
    # The file is held already: this is an end without a job.
    finished(catalog, "1" * 64)
    found = catalog.operations.metrics()
    assert found.ended == {span: EndedCounts(completed=3, failed=1) for span in (HOUR, DAY)}
    assert found.ended[HOUR].success_ratio == 0.75
    assert found.processing_seconds == 40.0
    clock.advance(HOUR + 60)
    finished(catalog, "2" * 64)
    found = catalog.operations.metrics()
    assert found.ended == {
        HOUR: EndedCounts(completed=1, failed=0),
        DAY: EndedCounts(completed=4, failed=1),
    }
    assert found.processing_seconds is None
    clock.advance(DAY)
    assert catalog.operations.metrics().ended[DAY] == EndedCounts(completed=1, failed=0)
    clock.advance(HOUR + 60)
    assert catalog.operations.metrics().ended[DAY] == EndedCounts(completed=0, failed=0)
    assert catalog.jobs.reopen(failed) is not None
    assert catalog.operations.metrics().dead_letters == 0
