"""Every catalog keeps these promises: events for hooks (``HookRepository``)."""

from collections.abc import Iterator

import pytest
from support.catalog import claimed, complete, content, finished, upload
from support.clock import FakeClock
from support.ids import ME

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.sql_catalog import SqlCatalog
from tusd_py.domain.hook import DELIVERED_EVENTS, HookEvent
from tusd_py.domain.ids import owner_scope
from tusd_py.domain.upload import UploadKind, UploadState


@pytest.fixture(params=["sqlite", "mysql"])
def catalog(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[Catalog]:
    opened = SqlCatalog(request.getfixturevalue(request.param), clock=clock, hooks=DELIVERED_EVENTS)
    yield opened
    opened.close()


def delivered_events(catalog: Catalog) -> list[str]:
    """Return the names of all events that are due, each delivered before the next."""
    seen = []
    while due := catalog.hooks.claim(10, 60.0):
        for happened in due:
            seen.append(happened.event.value)
            catalog.hooks.delivered(happened.id)
    return seen


def test_events_of_an_upload_are_in_order(catalog: Catalog) -> None:
    task_id = finished(catalog)
    complete(catalog, task_id)
    assert delivered_events(catalog) == ["post-create", "post-finish", "post-complete"]


def test_a_failure_and_another_attempt_are_events(catalog: Catalog) -> None:
    task_id = finished(catalog)
    catalog.jobs.fail(task_id, fence=claimed(catalog, task_id), error_code="x", error_msg="why")
    seen = []
    while due := catalog.hooks.claim(10, 60.0):
        seen += due
        catalog.hooks.delivered(due[0].id)
    assert [each.event for each in seen][-1] is HookEvent.POST_FAIL
    last = seen[-1].outcome
    assert last is not None
    assert (last.history.error_msg, last.error_code) == ("why", "x")
    catalog.jobs.reopen(task_id)
    complete(catalog, task_id)
    assert delivered_events(catalog) == ["post-complete"]


def test_an_upload_that_is_complete_at_once_has_all_its_events(catalog: Catalog) -> None:
    task_id = finished(catalog, "1" * 64)
    complete(catalog, task_id)
    delivered_events(catalog)
    assert catalog.uploads.add_instant(upload(declared_hash="1" * 64), owner_scope(ME)) is not None
    assert delivered_events(catalog) == ["post-create", "post-finish", "post-complete"]


def test_a_partial_upload_is_no_task_and_has_no_events(catalog: Catalog) -> None:
    part = upload(kind=UploadKind.PARTIAL)
    catalog.uploads.add(part)
    catalog.uploads.finish_partial(part.id, "1" * 64)
    assert delivered_events(catalog) == []


@pytest.mark.parametrize(
    ("state", "event"),
    [
        (UploadState.TERMINATED, ["post-terminate"]),
        (UploadState.EXPIRED, ["post-expire"]),
        (UploadState.REJECTED, []),
    ],
)
def test_the_end_of_an_upload_is_one_event(
    catalog: Catalog, state: UploadState, event: list[str]
) -> None:
    made, part = upload(), upload(kind=UploadKind.PARTIAL)
    for one in (made, part):
        catalog.uploads.add(one)
        catalog.uploads.close(one.id, state)
        catalog.uploads.close(one.id, UploadState.TERMINATED)
    assert delivered_events(catalog) == ["post-create", *event]


def test_finishing_twice_is_one_event(catalog: Catalog) -> None:
    made = upload()
    catalog.uploads.add(made)
    for _ in range(2):
        catalog.uploads.finish(content(made), is_video=False)
    assert delivered_events(catalog) == ["post-create", "post-finish"]


def test_an_upload_that_is_added_as_finished_has_both_events(catalog: Catalog) -> None:
    made = upload()
    catalog.uploads.add_finished(made, content(made), is_video=False, quota=None)
    assert delivered_events(catalog) == ["post-create", "post-finish"]


def test_who_took_it_has_it_for_a_while(catalog: Catalog, clock: FakeClock) -> None:
    catalog.uploads.add(upload())
    (first,) = catalog.hooks.claim(10, 60.0)
    assert catalog.hooks.claim(10, 60.0) == ()
    clock.advance(61)
    (again,) = catalog.hooks.claim(10, 60.0)
    assert (again.id, again.failures) == (first.id, 0), "the process that took it has died"


def test_an_undeliverable_event_delays_its_own_upload_alone(
    catalog: Catalog, clock: FakeClock
) -> None:
    stuck = finished(catalog, "1" * 64)
    (first,) = catalog.hooks.claim(10, 60.0)
    catalog.hooks.failed(first.id, 30.0)
    other = upload()
    catalog.uploads.add(other)
    assert [each.upload.id for each in catalog.hooks.claim(10, 60.0)] == [other.id]
    assert catalog.operations.metrics().outbox["hook"].rows == 1, (
        "the finish, which waits behind it"
    )
    clock.advance(31)
    (again,) = catalog.hooks.claim(10, 60.0)
    assert (again.upload.id, again.event, again.failures) == (stuck, HookEvent.POST_CREATE, 1)
    catalog.hooks.delivered(again.id)
    assert delivered_events(catalog) == ["post-finish"]


def test_a_catalog_that_was_opened_for_some_events_keeps_no_others(
    sqlite: str, clock: FakeClock
) -> None:
    opened = SqlCatalog(sqlite, clock=clock, hooks=[HookEvent.POST_COMPLETE])
    task_id = finished(opened)
    complete(opened, task_id)
    assert delivered_events(opened) == ["post-complete"]
    opened.close()
