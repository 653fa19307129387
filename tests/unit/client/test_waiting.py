"""Waiting for a task's last state."""

import asyncio
import weakref
from collections.abc import AsyncIterator, Iterator

import pytest

from tusd_py.client import AsyncClient, Client
from tusd_py.client.file_upload import UploadResult

URL = "http://127.0.0.1/files/"
STATES = 100


class _State(dict[str, object]):
    """A state that can be referred to weakly."""


class _Task:
    """A task with many states; counts those that exist at the same time."""

    def __init__(self) -> None:
        self._made: list[weakref.ref[_State]] = []
        self.most = 0

    def states(self, _sent: UploadResult) -> Iterator[_State]:
        for number in range(STATES):
            state = _State(number=number)
            self._made.append(weakref.ref(state))
            self.most = max(self.most, sum(made() is not None for made in self._made))
            yield state

    async def astates(self, sent: UploadResult) -> AsyncIterator[_State]:
        for state in self.states(sent):
            yield state


@pytest.mark.parametrize("kind", ["blocking", "asynchronous"])
def test_states_without_end_are_not_kept(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    task, sent = _Task(), UploadResult.known(URL, "0" * 32)
    if kind == "blocking":
        with Client(URL) as client:
            monkeypatch.setattr(client, "follow", task.states)
            last = client.wait(sent)
    else:
        last = asyncio.run(_awaited(task, sent, monkeypatch))
    assert last == {"number": STATES - 1}
    assert task.most < 5


async def _awaited(
    task: _Task, sent: UploadResult, monkeypatch: pytest.MonkeyPatch
) -> dict[str, object]:
    async with AsyncClient(URL) as client:
        monkeypatch.setattr(client, "follow", task.astates)
        return await client.wait(sent)
