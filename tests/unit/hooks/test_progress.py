"""Tests when the progress of an upload is sent."""

import asyncio

from support.clock import FakeClock

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.upload import Upload, UploadKind
from tusd_py.hooks.progress import ProgressEvents


def upload(digit: str = "0", kind: UploadKind = UploadKind.REGULAR) -> Upload:
    return Upload(id=UploadId(digit * 32), user_id=UserId(1), length=9, kind=kind, created_at=1.0)


class Application:
    """Keeps what it gets; each answer waits for ``may_answer``."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.may_answer = asyncio.Event()

    async def send(self, of: Upload, offset: int) -> None:
        self.seen.append((of.id[0], offset))
        await self.may_answer.wait()


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


def test_an_event_is_sent_once_in_an_interval_and_never_with_the_first_bytes() -> None:
    async def scene() -> None:
        clock, application = FakeClock(), Application()
        application.may_answer.set()
        events = ProgressEvents(application.send, clock, interval=1.0)
        for offset in range(1, 8):
            events.on_bytes(upload(), offset)
            await turn()
            clock.advance(0.4)
        events.on_bytes(upload("1"), 5)
        await turn()
        assert application.seen == [("0", 4), ("0", 7)]

    asyncio.run(scene())


def test_nothing_is_sent_of_an_upload_whose_last_event_is_not_answered() -> None:
    async def scene() -> None:
        clock, application = FakeClock(), Application()
        events = ProgressEvents(application.send, clock, interval=1.0)
        for of in (upload("0"), upload("1")):
            events.on_bytes(of, 1)
        for offset in (2, 3):
            clock.advance(2)
            events.on_bytes(upload("0"), offset)
            await turn()
        events.on_bytes(upload("1"), 4)
        await turn()
        assert application.seen == [("0", 2), ("1", 4)]
        await events.close()

    asyncio.run(scene())


def test_a_part_is_no_task_and_has_no_progress() -> None:
    async def scene() -> None:
        clock, application = FakeClock(), Application()
        events = ProgressEvents(application.send, clock, interval=1.0)
        for offset in (1, 2):
            events.on_bytes(upload(kind=UploadKind.PARTIAL), offset)
            clock.advance(2)
        await turn()
        assert application.seen == []

    asyncio.run(scene())
