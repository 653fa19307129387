"""Every catalog keeps these promises: what an operator examines (``OperationRepository``)."""

from dataclasses import replace
from enum import StrEnum
from typing import Any

from support.catalog import STORED, claimed, complete, finished, upload
from support.clock import FakeClock
from support.ids import ME

from tusd_py.catalog.port import Catalog
from tusd_py.domain.ids import owner_scope
from tusd_py.domain.job import Step
from tusd_py.domain.operation import StepTime


def test_a_worker_is_there_from_its_first_word_until_it_leaves(
    catalog: Catalog, clock: FakeClock
) -> None:
    began = clock.now()
    catalog.operations.heartbeat("a:1:x", slots=2, times={}, for_seconds=60.0)
    clock.advance(15)
    catalog.operations.heartbeat("a:1:x", slots=2, times={}, for_seconds=60.0)
    catalog.operations.heartbeat("b:1:y", slots=1, times={}, for_seconds=60.0)
    first, second = catalog.operations.workers()
    assert (first.owner, first.slots) == ("a:1:x", 2)
    assert (first.started_at, first.seen_at) == (began, began + 15)
    assert second.owner == "b:1:y"
    catalog.operations.deregister("a:1:x")
    catalog.operations.deregister("a:1:x")
    assert [worker.owner for worker in catalog.operations.workers()] == ["b:1:y"]


def test_a_worker_that_is_silent_for_a_minute_is_gone(catalog: Catalog, clock: FakeClock) -> None:
    catalog.operations.heartbeat("a:1:x", slots=1, times={}, for_seconds=60.0)
    clock.advance(61)
    assert catalog.operations.workers() == []
    catalog.operations.heartbeat("b:1:y", slots=1, times={}, for_seconds=60.0)
    assert [worker.owner for worker in catalog.operations.workers()] == ["b:1:y"]


def test_times_of_all_workers_add_up_and_old_hours_are_left_out(
    catalog: Catalog, clock: FakeClock
) -> None:
    catalog.operations.heartbeat(
        "a:1:x", slots=1, times={Step.STORE: StepTime(2, 3.0)}, for_seconds=60.0
    )
    catalog.operations.heartbeat(
        "b:1:y", slots=1, times={Step.STORE: StepTime(1, 6.0)}, for_seconds=60.0
    )
    assert catalog.operations.step_times(hours=24) == {Step.STORE: StepTime(3, 9.0)}
    assert catalog.operations.step_times(hours=24)[Step.STORE].mean_seconds == 3.0
    clock.advance(3600)
    catalog.operations.heartbeat(
        "b:1:y", slots=1, times={Step.SCAN: StepTime(1, 1.0)}, for_seconds=60.0
    )
    assert set(catalog.operations.step_times(hours=24)) == {Step.STORE, Step.SCAN}
    assert set(catalog.operations.step_times(hours=1)) == {Step.SCAN}
    clock.advance(8 * 24 * 3600)
    catalog.operations.heartbeat("b:1:y", slots=1, times={}, for_seconds=60.0)
    assert catalog.operations.step_times(hours=10**4) == {}


def test_storage_counts_an_object_once_and_what_was_not_sent(catalog: Catalog) -> None:
    assert catalog.operations.storage().object_bytes == 0
    for digit, key in (("1", "pool/1"), ("2", "pool/1"), ("3", "pool/3")):
        task_id = finished(catalog, digit * 64)
        stored = replace(STORED, object_key=key)
        complete(catalog, task_id, stored)
    found = catalog.operations.storage()
    assert (found.files, found.objects) == (3, 2)
    assert found.object_bytes == 2 * STORED.stored_size
    assert (found.instant_uploads, found.instant_bytes) == (0, 0)
    assert catalog.uploads.add_instant(upload(declared_hash="1" * 64), owner_scope(ME)) is not None
    found = catalog.operations.storage()
    assert (found.instant_uploads, found.instant_bytes) == (1, 10)


def test_of_many_failures_the_newest_are_listed(catalog: Catalog, clock: FakeClock) -> None:
    failed = []
    for digit in "123":
        task_id = finished(catalog, digit * 64)
        catalog.jobs.fail(task_id, fence=claimed(catalog, task_id), error_code="x", error_msg="why")
        failed.append(task_id)
        clock.advance(1)
    assert [job.task_id for job in catalog.jobs.dead_letters(2)] == failed[:0:-1]
    assert len(catalog.jobs.dead_letters()) == 3


class LaterStep(StrEnum):
    PURGE = "purge"


def test_a_step_of_a_later_version_is_left_out(catalog: Catalog) -> None:
    times: dict[Any, StepTime] = {
        Step.STORE: StepTime(1, 2.0),
        LaterStep.PURGE: StepTime(1, 1.0),
    }
    catalog.operations.heartbeat("w1", slots=1, times=times, for_seconds=60)
    assert catalog.operations.step_times(hours=1) == {Step.STORE: StepTime(1, 2.0)}
