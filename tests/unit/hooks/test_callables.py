"""Tests functions of an application that are called as hooks."""

import asyncio
import threading

import pytest

from tusd_py.domain.hook import HookEvent
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.upload import Upload
from tusd_py.hooks.callables import NONE, Hooks, imported
from tusd_py.hooks.payload import HookNotification

UPLOAD = Upload(id=UploadId("0" * 32), user_id=UserId(1), length=1, created_at=0.0)


def notification(event: HookEvent) -> HookNotification:
    return HookNotification(id="1", event=event, at=0.0, upload=UPLOAD)


@pytest.mark.parametrize("event", HookEvent)
def test_every_event_has_a_function_of_its_name(event: HookEvent) -> None:
    seen: list[HookEvent] = []
    field = event.value.replace("-", "_")
    hooks = Hooks(**{field: lambda found: seen.append(found.event)})
    assert hooks.events == {event}
    for other in HookEvent:
        asyncio.run(hooks.call(notification(other)))
    assert seen == [event]


def test_a_function_that_may_block_runs_in_a_thread() -> None:
    threads: list[int] = []

    def blocking(_: HookNotification) -> None:
        threads.append(threading.get_ident())

    async def asynchronous(_: HookNotification) -> None:
        threads.append(threading.get_ident())

    hooks = Hooks(post_create=blocking, post_finish=asynchronous)
    asyncio.run(hooks.call(notification(HookEvent.POST_CREATE)))
    asyncio.run(hooks.call(notification(HookEvent.POST_FINISH)))
    assert threads[0] != threads[1] == threading.get_ident()


def test_an_error_of_a_function_is_its_callers() -> None:
    def fails(_: HookNotification) -> None:
        raise LookupError

    with pytest.raises(LookupError):
        asyncio.run(Hooks(pre_create=fails).call(notification(HookEvent.PRE_CREATE)))


def test_hooks_are_found_by_module_and_name() -> None:
    assert imported("tusd_py.hooks.callables:NONE") is NONE
    for place in ("tusd_py.hooks.callables:", "tusd_py.hooks.callables:gone", "tusd_py.gone:x"):
        with pytest.raises(ValueError, match="can't be imported"):
            imported(place)
    with pytest.raises(ValueError, match="is not a"):
        imported("tusd_py.hooks.callables:imported")
