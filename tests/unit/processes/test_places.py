"""What becomes of the places of a set when processes end, can't start, or never become ready."""

import selectors
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
from support.fake_processes import FakeProcesses, Started, fake_processes

from tusd_py.channel import MessageKind
from tusd_py.processes.order import SETTINGS_REFUSED
from tusd_py.processes.places import MOST_PAUSE_SECONDS, Places
from tusd_py.processes.process import GRACE_SECONDS, Process

NOW = time.monotonic()


class FullSelector(selectors.DefaultSelector):
    """Is a selector for which the system may have no memory."""

    is_full = False

    def register(self, *arguments: Any, **named: Any) -> selectors.SelectorKey:
        if self.is_full:
            raise OSError("no memory")
        return super().register(*arguments, **named)


class Set:
    """Is a set of two servers without a worker, whose processes the test plays."""

    def __init__(self, processes: FakeProcesses, selector: selectors.BaseSelector) -> None:
        self.started: list[Started] = []
        self.cause: OSError | None = None
        self._processes = processes
        self.places = Places(self._start, selector, servers=2, has_worker=False)

    def _start(self, slot: int, used: frozenset[int]) -> Process:
        if self.cause is not None:
            raise self.cause
        one = self._processes.start(slot=slot, number=min(set(range(8)) - used))
        one.process.started_at = NOW
        self.started.append(one)
        return one.process

    def become_ready(self, *all_: Started) -> None:
        for one in all_:
            one.channel.send(MessageKind.READY, ["served"])
            self.places.hear(one.process, NOW)

    def fail(self, one: Started, code: int = 1, now: float = NOW) -> None:
        one.channel.send(MessageKind.FAILED, "the password is wrong")
        one.channel.close()
        one.program.code = code
        self.places.see_ends(now)

    def serve(self) -> tuple[Started, Started]:
        self.places.start_missing(NOW)
        first, second = self.started
        self.become_ready(first, second)
        assert self.places.note_ready() == ["served"]
        return first, second


@pytest.fixture
def selector() -> Iterator[FullSelector]:
    with FullSelector() as made:
        yield made


@pytest.fixture
def all_(selector: FullSelector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Set]:
    # These processes share no memory.
    monkeypatch.setattr("tusd_py.processes.places.forget_process", lambda _: None)
    with fake_processes() as processes:
        yield Set(processes, selector)


def test_all_end_if_one_fails_before_all_have_been_ready(all_: Set) -> None:
    all_.places.start_missing(NOW)
    first, second = all_.started
    all_.become_ready(first)
    all_.fail(second, SETTINGS_REFUSED)
    assert (all_.places.failure, all_.places.refuses_settings) == ("the password is wrong", True)
    assert first.program.signals == [signal.SIGTERM]
    first.program.code = 0
    all_.places.see_ends(NOW)
    assert all_.places.is_over


def test_a_process_that_always_fails_is_started_again_and_again(all_: Set) -> None:
    first, _ = all_.serve()
    pauses = []
    all_.fail(first)
    for _ in range(1100):
        now = NOW
        while len(all_.started) == 2:
            now += 0.5
            all_.places.start_missing(now)
        pauses.append(now - NOW)
        all_.fail(all_.started.pop())
    assert pauses[:6] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert set(pauses[6:]) == {5.0}


def test_the_failure_of_a_replacement_leaves_the_others(all_: Set) -> None:
    first, second = all_.serve()
    all_.places.replace_all(NOW)
    assert not all_.places.replace_next(NOW)
    all_.fail(all_.started[2])
    # The reload is over, without another replacement.
    assert all_.places.replace_next(NOW)
    assert not all_.places.replace_next(NOW)
    assert len(all_.started) == 3
    assert first.program.signals == second.program.signals == []


def test_a_failed_replacement_does_not_end_a_later_replacement(all_: Set) -> None:
    first, second = all_.serve()
    all_.places.replace_all(NOW)
    all_.places.replace_next(NOW)
    refused = all_.started[2]
    # The settings are right now.
    all_.places.replace_all(NOW)
    all_.fail(refused)
    for number, before in ((3, first), (4, second)):
        assert not all_.places.replace_next(NOW)
        all_.become_ready(all_.started[number])
        assert not all_.places.replace_next(NOW)
        assert before.program.signals == [signal.SIGTERM]
        before.program.code = 0
        all_.places.see_ends(NOW)
    assert all_.places.replace_next(NOW)


def test_a_replacement_that_never_becomes_ready_is_given_up_for_a_later_one(all_: Set) -> None:
    first, _ = all_.serve()
    all_.places.replace_all(NOW)
    all_.places.replace_next(NOW)
    hanging = all_.started[2]
    all_.places.replace_all(NOW)
    assert hanging.program.signals == [signal.SIGTERM]
    all_.places.kill_late(NOW + 10.0 + GRACE_SECONDS + 1)
    all_.places.see_ends(NOW)
    assert not all_.places.replace_next(NOW)
    assert [one.slot for one in all_.started] == [0, 1, 0, 0]
    assert first.program.signals == []


def test_a_process_that_has_closed_its_channel_is_killed(all_: Set) -> None:
    first, _ = all_.serve()
    first.channel.close()
    all_.places.hear(first.process, NOW)
    all_.places.kill_late(NOW + 10.0 + GRACE_SECONDS - 1)
    assert first.program.signals == []
    all_.places.kill_late(NOW + 10.0 + GRACE_SECONDS + 1)
    assert first.program.signals == [signal.SIGKILL]


def test_time_in_which_the_parent_did_not_run_is_not_counted(all_: Set) -> None:
    first, second = all_.serve()
    all_.places.end_all(NOW)
    all_.places.pass_over(3600.0, NOW + 3600.0)
    all_.places.kill_late(NOW + 3601.0)
    assert first.program.signals == second.program.signals == [signal.SIGTERM]


def test_a_process_that_cannot_be_started_is_started_later(all_: Set) -> None:
    first, _ = all_.serve()
    all_.cause = OSError("no memory")
    all_.fail(first, now=NOW + 60.0)
    all_.places.start_missing(NOW + 60.0)
    all_.cause = None
    all_.places.start_missing(NOW + 60.0 + MOST_PAUSE_SECONDS - 0.1)
    assert len(all_.started) == 2
    all_.places.start_missing(NOW + 60.0 + MOST_PAUSE_SECONDS)
    assert [one.slot for one in all_.started] == [0, 1, 0]


def test_a_process_that_cannot_be_followed_is_not_left(all_: Set, selector: FullSelector) -> None:
    first, second = all_.serve()
    selector.is_full = True
    all_.fail(first, now=NOW + 60.0)
    all_.places.start_missing(NOW + 60.0)
    assert all_.started[2].program.signals == [signal.SIGKILL]
    assert second.program.signals == []
    selector.is_full = False
    all_.places.start_missing(NOW + 60.0 + MOST_PAUSE_SECONDS)
    assert len(all_.started) == 4


def test_what_a_process_has_left_and_cannot_be_taken_back_ends_no_other(
    all_: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = all_.serve()

    def half_installed(_: object) -> None:
        raise ImportError("cannot import name")

    monkeypatch.setattr("tusd_py.processes.places.forget_process", half_installed)
    all_.fail(first)
    assert second.program.signals == []
