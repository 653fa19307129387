"""Sends 104 (Upload Resumption Supported), which tells where a broken upload continues.

Proxies differ: nginx takes an interim response that it does not know for the answer, and each later
answer of that connection for the one before it. So no 104 is sent through a proxy unless the
setting ``interim_responses`` says that all proxies pass it.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Final

from starlette.types import Scope, Send

from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import Upload
from tusd_py.ingest.scope_extensions import INTERIM
from tusd_py.protocol.fields import Fields
from tusd_py.protocol.ietf.versions import Version
from tusd_py.protocol.origin import through_proxy
from tusd_py.settings.model import Settings

STATUS: Final = 104
LEAST_PAUSE_SECONDS: Final = 1.0
PAUSE_SHARE: Final = 0.5
"""Share of the time since the body began that passes before the next offset is sent.

An hour has some twenty of them: some clients give up after a number of interim responses.
"""


def sends_interim(settings: Settings, scope: Scope, fields: Fields, version: Version) -> bool:
    """Return whether the client of a request may get a 104."""
    if version.number is None or INTERIM not in scope.get("extensions", {}):
        return False
    if settings.interim_responses == "direct":
        return not (settings.behind_proxy or through_proxy(fields))
    return settings.interim_responses == "always"


class InterimResponses:
    """Implements ``ArrivalListener`` for one request."""

    def __init__(
        self,
        send: Send,
        version: Version,
        creation_fields: Callable[[UploadId], Mapping[str, str]] | None,
    ) -> None:
        """Prepare the responses.

        Args: creation_fields: returns the fields about the new upload for the client of a creation;
            None: the request creates none.
        """
        self._send = send
        self._version = version
        self._creation_fields = creation_fields
        self._loop = asyncio.get_running_loop()
        self._begun_at = self._due_at = self._loop.time()
        self._sending: asyncio.Task[None] | None = None

    async def on_begun(self, upload: Upload) -> None:
        """Tell the client of a creation the address of its upload."""
        self._begun_at = self._loop.time()
        self._due_at = self._begun_at + LEAST_PAUSE_SECONDS
        if self._creation_fields is not None:
            await self._respond(self._creation_fields(upload.id))

    def on_stored(self, offset: int) -> None:
        """Tell the offset if it is due."""
        now = self._loop.time()
        is_sending = self._sending is not None and not self._sending.done()
        if not self._version.progress or is_sending or now < self._due_at:
            return
        self._due_at = now + max(LEAST_PAUSE_SECONDS, PAUSE_SHARE * (now - self._begun_at))
        self._sending = asyncio.ensure_future(self._respond({"Upload-Offset": str(offset)}))

    async def close(self) -> None:
        """Wait for the last response, so that the answer does not overtake it."""
        if self._sending is not None:
            await self._sending

    async def _respond(self, fields: Mapping[str, str]) -> None:
        named = {**fields, **self._version.own_fields()}
        headers = [
            (name.lower().encode(), value.encode("latin-1")) for name, value in named.items()
        ]
        await self._send({"type": INTERIM, "status": STATUS, "headers": headers})
