"""Send and follow files for ``tusd-py upload``."""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console

from tusd_py.cli.sources import STDIN, Source
from tusd_py.cli.upload_output import JsonLines, Output, Shown, Terminal
from tusd_py.client import AsyncClient, Client, Options, Refused, UploadResult

STREAMS: Final = 10
"""Files that are followed at a time: a server allows a user 20 streams (``limits.streams``)."""


def send_files(
    sources: Sequence[Source],
    endpoint: str,
    extra: Mapping[str, str],
    options: Options,
    *,
    token: str | None,
    parallel: int,
    as_json: bool,
    follows: bool,
    instant: bool,
) -> int:
    """Send files, ``parallel`` at a time; with ``follows``, wait for the processing of each.

    Returns: the number of files that failed. Raises: Unreachable: one could not be sent because the
        server did not answer; the others were tried nevertheless.
    """
    console = Console(highlight=False, soft_wrap=True)
    out: Output = JsonLines() if as_json else Terminal(console, names=len(sources) > 1)

    async def send_all() -> list[bool]:
        room = asyncio.Semaphore(parallel)
        streams = asyncio.Semaphore(STREAMS)
        stopped = False

        async def send_one(client: AsyncClient, source: Source) -> bool:
            async with room:
                shown = out.file(source.path)
                relative = {"relativePath": source.relative_path} if source.relative_path else {}
                metadata = {**relative, **extra}

                def hashed(offset: int) -> None:
                    # In a thread, which nothing else can call off.
                    if stopped:
                        raise KeyboardInterrupt
                    shown.hashed(offset)

                try:
                    if source.path == STDIN:
                        sent = await asyncio.to_thread(
                            _send_stdin, endpoint, token, options, metadata, shown
                        )
                    else:
                        sent = await client.upload(
                            source.path,
                            metadata,
                            instant=instant,
                            progress=shown.sent,
                            hashed=hashed,
                        )
                    return await _outcome(client, sent, shown, streams if follows else None)
                except Refused as error:
                    shown.failed(str(error))
                except OSError as error:
                    shown.failed(error.strerror or str(error))
                return False

        async with AsyncClient(endpoint, token=token, options=options) as client:
            try:
                tasks = [send_one(client, source) for source in sources]
                ended = await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                stopped = True
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        return [done for done in ended if isinstance(done, bool)]

    with out:
        return asyncio.run(send_all()).count(False)


def _send_stdin(
    endpoint: str, token: str | None, options: Options, metadata: Mapping[str, str], shown: Shown
) -> UploadResult:
    with Client(endpoint, token=token, options=options) as client:
        return client.upload_stream(sys.stdin.buffer, metadata, progress=shown.sent)


async def _outcome(
    client: AsyncClient, sent: UploadResult, shown: Shown, streams: asyncio.Semaphore | None
) -> bool:
    """Return whether the file was processed to the end; True at once if it is not followed.

    Args: streams: limits the files that are followed at a time; None: this one is not followed.
    """
    if streams is None:
        shown.arrived(sent)
        return True
    state: dict[str, Any] = {}
    async with streams:
        async for state in client.follow(sent):
            shown.state(sent, state)
    return state.get("status") == "completed"
