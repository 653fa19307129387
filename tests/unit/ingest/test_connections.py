"""Tests of what connections share: which is closed for another one, and whose turn it is."""

import asyncio
import resource
from collections.abc import Callable
from typing import Any

import pytest

from tusd_py.ingest import connections as counting
from tusd_py.ingest import descriptors
from tusd_py.ingest.connections import STARTS, Connections, ParsingShare, Turns
from tusd_py.settings.limits import ConnectionSettings


class Transport:
    def __init__(self) -> None:
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted


class Fake:
    """Stands for a connection that waits."""

    head_begun = False

    def __init__(self) -> None:
        self.transport: Any = Transport()

    def time_out(self) -> None:
        self.transport.abort()

    @property
    def closed(self) -> bool:
        return bool(self.transport.aborted)


def on_loop(scene: Callable[[], None]) -> None:
    async def run() -> None:
        scene()

    asyncio.run(run())


def admitted(table: Connections, peer: str | None, count: int = 1) -> list[Fake]:
    found = [Fake() for _ in range(count)]
    for connection in found:
        assert table.admit(connection, peer)
    return found


def test_an_address_at_its_limit_closes_its_own_oldest() -> None:
    def scene() -> None:
        table = Connections(ConnectionSettings(per_address=2), 0)
        other = admitted(table, "192.0.2.2")[0]
        busy, idle = admitted(table, "192.0.2.1", 2)
        table.serves(busy)
        new = admitted(table, "192.0.2.1")[0]
        assert (busy.closed, idle.closed, other.closed) == (False, True, False)
        table.serves(new)
        assert not table.admit(Fake(), "192.0.2.1"), "both serve"
        admitted(table, "192.0.2.2")
        table.leave(busy)
        admitted(table, "192.0.2.1")

    on_loop(scene)


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_addresses_of_one_network_count_together(one: str, other: str, together: bool) -> None:
    def scene() -> None:
        table = Connections(ConnectionSettings(per_address=1), 0)
        table.serves(admitted(table, one)[0])
        assert table.admit(Fake(), other) is not together

    on_loop(scene)


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1", None])
def test_loopback_addresses_have_no_share(peer: str | None) -> None:
    """A proxy may connect from there for any client."""

    def scene() -> None:
        table = Connections(ConnectionSettings(per_address=1), 0)
        for connection in admitted(table, peer, 5):
            table.serves(connection)
        admitted(table, peer)

    on_loop(scene)


def test_connections_without_a_complete_request_are_closed_before_those_between_requests() -> None:
    def scene() -> None:
        table = Connections(ConnectionSettings(total=3), 0)
        idle, first, second = admitted(table, None, 3)
        table.serves(idle)
        table.waits(idle)
        for victim in (first, second):
            connection = admitted(table, None)[0]
            table.serves(connection)
            assert victim.closed
            assert not idle.closed
        admitted(table, None)
        assert idle.closed

    on_loop(scene)


def test_the_total_of_incomplete_heads_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "HEADS_BYTES", 100)

    def scene() -> None:
        table = Connections(ConnectionSettings(), 0)
        first, second, third = admitted(table, None, 3)
        table.head_grows(first, 40)
        table.head_grows(second, 40)
        table.serves(first)
        table.head_grows(third, 60)
        closed = [connection.closed for connection in (first, second, third)]
        assert not any(closed), "one of them is whole"
        table.head_grows(third, 1)
        assert (first.closed, second.closed, third.closed) == (False, True, False)

    on_loop(scene)


def test_a_connection_that_is_served_is_not_closed_for_heads_of_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """This holds although the head of its next request has begun."""
    monkeypatch.setattr(counting, "HEADS_BYTES", 100)

    def scene() -> None:
        table = Connections(ConnectionSettings(), 0)
        served, other = admitted(table, None, 2)
        table.serves(served)
        table.head_grows(served, 60)
        table.head_grows(other, 60)
        assert not served.closed
        assert not other.closed

    on_loop(scene)


@pytest.mark.parametrize(
    ("files", "wanted", "allowed"),
    [(65536, 0, 4096), (65536, 10_000, 10_000), (1024, 0, 192), (1024, 500, 192), (64, 0, 12),
     (resource.RLIM_INFINITY, 0, 4096), (1024, 5, 5)],
)  # fmt: skip
def test_connections_leave_descriptors_for_the_rest(
    monkeypatch: pytest.MonkeyPatch, files: int, wanted: int, allowed: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert descriptors.connections_allowed(wanted) == allowed


@pytest.mark.parametrize(
    ("soft", "hard", "raised"),
    [(1024, 4096, 4096), (1024, 1 << 20, 65536), (1024, resource.RLIM_INFINITY, 65536),
     (65536, 65536, None), (100_000, 200_000, None)],
)  # fmt: skip
def test_the_limit_of_files_is_raised_as_far_as_it_may_be(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, raised: int | None
) -> None:
    set_to: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: set_to.append(pair))
    descriptors.raise_limit()
    assert set_to == ([] if raised is None else [(raised, hard)])


def test_a_burst_begins_in_order_and_leaves_turns_to_others() -> None:
    async def scene() -> list[tuple[int, int]]:
        loop = asyncio.get_running_loop()
        turns, begun, turn = Turns(loop), [], 0
        for number in range(5 * STARTS):
            turns.begin(lambda number=number: begun.append((number, turn)))  # type: ignore[misc]
        while len(begun) < 5 * STARTS:
            await asyncio.sleep(0)
            turn += 1
        return begun

    begun = asyncio.run(scene())
    assert [number for number, _ in begun] == list(range(5 * STARTS))
    # The second turn comes before the scene counts it.
    assert [[turn for _, turn in begun].count(each) for each in range(4)] == [
        2 * STARTS, STARTS, STARTS, STARTS,
    ]  # fmt: skip


def test_single_requests_begin_at_once() -> None:
    async def scene() -> list[int]:
        turns, begun = Turns(asyncio.get_running_loop()), []
        for number in range(3 * STARTS):
            turns.begin(lambda number=number: begun.append(number))  # type: ignore[misc]
            assert begun[-1] == number
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return begun

    assert asyncio.run(scene()) == list(range(3 * STARTS))


def test_work_beyond_the_share_of_a_turn_waits_for_a_later_turn() -> None:
    async def scene() -> list[str]:
        now, done = 0.0, []
        share = ParsingShare(asyncio.get_running_loop(), seconds=1.0, clock=lambda: now)

        def work(name: str) -> None:
            nonlocal now
            now += 0.6
            done.append(name)

        share.spend(lambda: work("a"))
        assert not share.is_spent
        share.spend(lambda: work("b"))
        assert share.is_spent
        for name in "cdef":
            share.wait(lambda name=name: share.spend(lambda: work(name)))  # type: ignore[misc]
        assert done == ["a", "b"]
        await asyncio.sleep(0)
        assert done == ["a", "b", "c", "d"]
        assert share.is_spent
        await asyncio.sleep(0)
        assert done == ["a", "b", "c", "d", "e", "f"]
        await asyncio.sleep(0)
        assert not share.is_spent
        return done

    assert asyncio.run(scene()) == list("abcdef")
