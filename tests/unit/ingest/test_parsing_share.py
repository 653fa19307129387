"""Tests of the share that parsing has in each turn of the loop, and of the order of waiting."""

import asyncio

from tusd_py.ingest.parsing_share import ParsingShare


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
