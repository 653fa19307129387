"""Send and follow files for ``tusd-py upload``."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tusd_py.cli.bars import output_for_people
from tusd_py.cli.server_options import Access, refusal_text
from tusd_py.cli.sources import STDIN, Source
from tusd_py.cli.texts import translated
from tusd_py.cli.upload_output import JsonLines, Output, Shown
from tusd_py.client import AsyncClient, Client, Options, Refused, Unreachable, UploadResult

STREAMS: Final = 10
"""Files that are followed at a time: a server allows a user 20 streams (``limits.streams``)."""


@dataclass(slots=True)
class Running:
    """Says how far the files of a command are, for when it is interrupted."""

    unsent: int = 0
    """Files that have not arrived."""
    followed: list[str] = field(default_factory=list)
    """Ids of files that have arrived and are processed."""


def send_files(
    sources: Sequence[Source],
    access: Access,
    extra: Mapping[str, str],
    options: Options,
    *,
    running: Running,
    parallel: int,
    as_json: bool,
    follows: bool,
    instant: bool,
) -> int:
    """Send files, ``parallel`` at a time; with ``follows``, wait for the processing of each.

    The next file is sent while those before it are processed. ``running`` is kept up to date.

    Returns: the number of files that failed. Raises: Unreachable: one could not be sent because the
        server did not answer; the others were tried nevertheless if it had answered before.
    """
    out = JsonLines() if as_json else output_for_people(names=len(sources) > 1)
    running.unsent = len(sources)
    sending = _Sending(out, access, extra, options, running, instant=instant)
    with out:
        return asyncio.run(sending.run(sources, parallel, follows=follows))


class _Sending:
    """Sends files of one command."""

    def __init__(
        self,
        out: Output,
        access: Access,
        extra: Mapping[str, str],
        options: Options,
        running: Running,
        *,
        instant: bool,
    ) -> None:
        self._out = out
        self._access = access
        self._extra = extra
        self._options = options
        self._running = running
        self._instant = instant
        self._stopped = False
        self._any_arrived = False
        self._unreachable: Unreachable | None = None

    async def run(self, sources: Sequence[Source], parallel: int, *, follows: bool) -> int:
        """Send all; return the number of files that failed. Raises: Unreachable."""
        room, streams = asyncio.Semaphore(parallel), asyncio.Semaphore(STREAMS)
        async with AsyncClient(
            self._access.url, token=self._access.token, options=self._options
        ) as client:

            async def send_one(source: Source) -> bool:
                shown = self._out.file(source.path)
                async with room:
                    sent = await self._send(client, source, shown)
                if sent is None:
                    return False
                self._running.unsent -= 1
                shown.arrived(sent, followed=follows)
                if not follows:
                    return True
                self._running.followed.append(sent.task_id)
                async with streams:
                    is_processed = await self._follow(client, sent, shown)
                self._running.followed.remove(sent.task_id)
                return is_processed

            try:
                tasks = [send_one(source) for source in sources]
                ended = await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                self._stopped = True
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        if self._unreachable is not None:
            raise self._unreachable
        return sum(done is False for done in ended)

    async def _send(self, client: AsyncClient, source: Source, shown: Shown) -> UploadResult | None:
        """Return the file that has arrived; None if it has not, which is shown."""
        if self._unreachable is not None and not self._any_arrived:
            return None
        try:
            sent = await self._upload(client, source, shown)
        except Refused as error:
            shown.failed(refusal_text(error, self._access.address))
        except ValueError as error:
            shown.failed(translated(str(error)))
        except BrokenPipeError:
            # The reader of standard output has enough; no file is at fault.
            raise
        except OSError as error:
            shown.failed(_reason(error, source))
        except Unreachable as error:
            self._unreachable = error
            if self._any_arrived:
                shown.failed(translated(str(error)))
        else:
            self._any_arrived = True
            return sent
        return None

    async def _upload(self, client: AsyncClient, source: Source, shown: Shown) -> UploadResult:
        """Send one file. Raises: Refused, Unreachable, OSError, ValueError."""
        if source.failure is not None:
            raise source.failure
        relative = {"relativePath": source.relative_path} if source.relative_path else {}
        metadata = {**relative, **self._extra}
        if source.is_stream:
            return await asyncio.to_thread(self._send_stream, source, metadata, shown)

        def hashed(offset: int) -> None:
            # In a thread, which nothing else can call off.
            if self._stopped:
                raise KeyboardInterrupt
            shown.hashed(offset)

        return await client.upload(
            source.path, metadata, instant=self._instant, progress=shown.sent, hashed=hashed
        )

    def _send_stream(
        self, source: Source, metadata: Mapping[str, str], shown: Shown
    ) -> UploadResult:
        with Client(self._access.url, token=self._access.token, options=self._options) as client:
            if source.path == STDIN:
                return client.upload_stream(sys.stdin.buffer, metadata, progress=shown.sent)
            named = {"filename": source.path.name, **metadata}
            with source.path.open("rb") as stream:
                return client.upload_stream(stream, named, progress=shown.sent)

    async def _follow(self, client: AsyncClient, sent: UploadResult, shown: Shown) -> bool:
        """Return whether the file was processed to the end."""
        state: dict[str, Any] = {}
        try:
            async for state in client.follow(sent):
                shown.state(sent, state)
        except Refused as error:
            shown.failed(refusal_text(error, self._access.address))
        except Unreachable as error:
            self._unreachable = error
            shown.failed(translated(str(error)))
        return state.get("status") == "completed"


def _reason(error: OSError, source: Source) -> str:
    """Return why a file could not be sent, with the path if it is that of another file."""
    reason = translated(error.strerror or str(error))
    is_another = error.filename is not None and str(error.filename) != str(source.path)
    return f"{error.filename}: {reason}" if is_another else reason
