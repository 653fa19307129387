"""Hooks that are Python: functions of the application that the server runs in."""

import importlib
import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Final

import anyio.to_thread

from tusd_py.domain.hook import HookEvent
from tusd_py.hooks.payload import Told

Hook = Callable[[Told], Awaitable[None] | None]
"""Called on the event loop when it is ``async``, else in a thread; what it raises is a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """Functions by event. To refuse, ``pre_create`` raises ``HookRefused`` with a sentence for the user;
    another one that raises is called again later."""

    pre_create: Hook | None = None
    post_create: Hook | None = None
    post_finish: Hook | None = None
    post_complete: Hook | None = None
    post_fail: Hook | None = None

    @property
    def events(self) -> frozenset[HookEvent]:
        """Those that there is a function for."""
        return frozenset(event for event, hook in self._all() if hook is not None)

    async def tell(self, told: Told) -> None:
        """Call the event's function, if there is one. Raises: what it raises."""
        hook = dict(self._all())[told.event]
        if hook is None:
            return
        if inspect.iscoroutinefunction(hook):
            await hook(told)
        else:
            await anyio.to_thread.run_sync(hook, told)

    def _all(self) -> Iterator[tuple[HookEvent, Hook | None]]:
        for event in HookEvent:
            yield event, getattr(self, event.value.replace("-", "_"))


NONE: Final = Hooks()


def imported(place: str) -> Hooks:
    """The ``Hooks`` at ``module:name``. Raises: ValueError: there is none."""
    module, _, name = place.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{place} can't be imported: {error}") from error
    if not isinstance(found, Hooks):
        raise ValueError(f"{place} is not a tusd_py.hooks.Hooks")
    return found
