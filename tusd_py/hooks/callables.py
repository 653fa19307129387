"""Holds hooks written in Python: functions of the application in which the server runs."""

import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

import anyio.to_thread

from tusd_py.domain.hook import HookEvent, UploadChange
from tusd_py.hooks.payload import HookNotification

Hook = Callable[[HookNotification], Awaitable[UploadChange | None] | UploadChange | None]
"""An ``async`` hook runs on the event loop, another in a thread; an exception is a failure.

Only ``pre_create`` returns a change.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Holds one optional function per event.

    ``pre_create`` refuses an upload by raising ``HookRefused`` with a sentence for the user, and
    changes it by returning an ``UploadChange``. ``post_receive`` is called at most once for a
    state. Any other function that raises is called again later.
    """

    pre_create: Hook | None = None
    post_create: Hook | None = None
    post_receive: Hook | None = None
    post_finish: Hook | None = None
    post_complete: Hook | None = None
    post_fail: Hook | None = None
    post_terminate: Hook | None = None
    post_expire: Hook | None = None

    @property
    def events(self) -> frozenset[HookEvent]:
        """Events that have a function."""
        return frozenset(event for event, hook in self._all() if hook is not None)

    async def call(self, notification: HookNotification) -> UploadChange | None:
        """Call the event's function, if there is one. Raises: what the function raises."""
        hook = dict(self._all())[notification.event]
        if hook is None:
            return None
        if inspect.iscoroutinefunction(hook):
            result = await hook(notification)
        else:
            result = await anyio.to_thread.run_sync(hook, notification)
        return result if isinstance(result, UploadChange) else None

    def _all(self) -> Iterator[tuple[HookEvent, Hook | None]]:
        for event in HookEvent:
            yield event, getattr(self, event.value.replace("-", "_"))


NONE: Final = Hooks()


def imported(place: str) -> Hooks:
    """Return the ``Hooks`` at ``module:name``. Raises: ValueError: no ``Hooks`` is there."""
    module, _, name = place.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{place} can't be imported: {error}") from error
    if not isinstance(found, Hooks):
        raise ValueError(f"{place} is not a tusd_py.hooks.Hooks")
    return found
