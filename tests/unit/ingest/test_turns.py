"""Tests that a few requests begin in each turn of the loop, in their order."""

import asyncio

from tusd_py.ingest.turns import STARTS, Turns


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
