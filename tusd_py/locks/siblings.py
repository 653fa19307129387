"""Sends requests to release an upload to the other processes of one port (``locks.port``)."""

import asyncio
from collections.abc import Callable

from typing_extensions import override

from tusd_py.domain.ids import UploadId, parse_upload_id
from tusd_py.locks.port import ReleaseRequests
from tusd_py.sibling_bus import Mailbox, SiblingBus, Topic


class SiblingReleaseRequests(ReleaseRequests):
    """Uses the bus between the processes; the event loop reads from it, without a thread."""

    blocks = False

    def __init__(self, bus: SiblingBus) -> None:
        self._bus = bus
        self._mailbox: Mailbox | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @override
    def request_release(self, upload_id: UploadId) -> bool:
        return self._bus.send(Topic.RELEASE, upload_id.encode())

    @override
    def subscribe(self, callback: Callable[[UploadId], None]) -> None:
        self._mailbox = mailbox = self._bus.listen(Topic.RELEASE)
        self._loop = asyncio.get_running_loop()

        def read() -> None:
            while (message := mailbox.receive()) is not None:
                upload_id = parse_upload_id(message.decode("ascii", "replace"))
                if upload_id is not None:
                    callback(upload_id)

        self._loop.add_reader(mailbox.fileno(), read)

    @override
    def close(self) -> None:
        if self._mailbox is None or self._loop is None:
            return
        if not self._loop.is_closed():
            self._loop.remove_reader(self._mailbox.fileno())
        self._mailbox.close()
