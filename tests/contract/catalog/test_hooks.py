"""Every catalog keeps these promises: events for hooks (``catalog.port.HookCatalog``)."""

from collections.abc import Iterator

import pytest
from support.catalog import ME, STORED, claimed, content, finished, upload
from support.clock import FakeClock

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.sql_catalog import SqlCatalog
from tusd_py.domain.hook import DELIVERED_EVENTS, HookEvent
from tusd_py.domain.ids import owner_scope
from tusd_py.domain.upload import UploadKind


@pytest.fixture(params=["sqlite", "mysql"])
def catalog(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[Catalog]:
    opened = SqlCatalog(request.getfixturevalue(request.param), clock=clock, hooks=DELIVERED_EVENTS)
    yield opened
    opened.close()


def told(catalog: Catalog) -> list[str]:
    """Everything that is due, as it is told one after the other."""
    seen = []
    while due := catalog.hooks.claim(10, 60.0):
        for happened in due:
            seen.append(happened.event.value)
            catalog.hooks.delivered(happened.id)
    return seen


def test_an_upload_is_told_of_in_order(catalog: Catalog) -> None:
    task_id = finished(catalog)
    catalog.jobs.complete(task_id, fence=claimed(catalog, task_id), stored=STORED)
    assert told(catalog) == ["post-create", "post-finish", "post-complete"]


def test_a_failure_and_another_try_are_told_of(catalog: Catalog) -> None:
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
    catalog.jobs.complete(task_id, fence=claimed(catalog, task_id), stored=STORED)
    assert told(catalog) == ["post-complete"]


def test_what_is_complete_at_once_is_all_told_of(catalog: Catalog) -> None:
    task_id = finished(catalog, "1" * 64)
    catalog.jobs.complete(task_id, fence=claimed(catalog, task_id), stored=STORED)
    told(catalog)
    assert catalog.uploads.add_instant(upload(declared_hash="1" * 64), owner_scope(ME)) is not None
    assert told(catalog) == ["post-create", "post-finish", "post-complete"]


def test_a_partial_upload_is_no_task_and_not_told_of(catalog: Catalog) -> None:
    part = upload(kind=UploadKind.PARTIAL)
    catalog.uploads.add(part)
    catalog.uploads.finish_partial(part.id, "1" * 64)
    assert told(catalog) == []


def test_finishing_twice_is_told_of_once(catalog: Catalog) -> None:
    made = upload()
    catalog.uploads.add(made)
    for _ in range(2):
        catalog.uploads.finish(content(made), is_video=False)
    assert told(catalog) == ["post-create", "post-finish"]


def test_who_took_it_has_it_for_a_while(catalog: Catalog, clock: FakeClock) -> None:
    catalog.uploads.add(upload())
    (first,) = catalog.hooks.claim(10, 60.0)
    assert catalog.hooks.claim(10, 60.0) == ()
    clock.advance(61)
    (again,) = catalog.hooks.claim(10, 60.0)
    assert (again.id, again.failures) == (first.id, 0), "whoever took it has died"


def test_what_can_not_be_told_holds_up_its_own_upload_alone(
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
    assert told(catalog) == ["post-finish"]


def test_a_catalog_that_was_opened_for_some_events_keeps_no_others(
    sqlite: str, clock: FakeClock
) -> None:
    opened = SqlCatalog(sqlite, clock=clock, hooks=[HookEvent.POST_COMPLETE])
    task_id = finished(opened)
    opened.jobs.complete(task_id, fence=claimed(opened, task_id), stored=STORED)
    assert told(opened) == ["post-complete"]
    opened.close()
