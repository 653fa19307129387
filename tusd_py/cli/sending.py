"""What ``tusd-py upload`` does, apart from its arguments."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from tusd_py.cli.upload_output import JsonLines, Output, Shown, Terminal
from tusd_py.client import AsyncClient, Options, Refused, Sent


def send_files(
    files: Sequence[Path],
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
    """Send files, ``parallel`` at a time, and, with ``follows``, wait for what becomes of each.

    Returns: how many failed. Raises: Unreachable: one could not be sent for want of a server; the
        others were tried all the same.
    """
    console = Console(highlight=False, soft_wrap=True)
    out: Output = JsonLines() if as_json else Terminal(console, names=len(files) > 1)

    async def send_all() -> list[bool]:
        room = asyncio.Semaphore(parallel)
        stopped = False

        async def send_one(client: AsyncClient, file: Path) -> bool:
            async with room:
                shown = out.file(file)

                def hashed(offset: int) -> None:
                    # In a thread, which nothing else can call off.
                    if stopped:
                        raise KeyboardInterrupt
                    shown.hashed(offset)

                try:
                    sent = await client.upload(
                        file, extra, instant=instant, progress=shown.sent, hashed=hashed
                    )
                    return not follows or await _followed(client, sent, shown)
                except Refused as error:
                    shown.failed(str(error))
                except OSError as error:
                    shown.failed(error.strerror or str(error))
                return False

        async with AsyncClient(endpoint, token=token, options=options) as client:
            try:
                tasks = [send_one(client, file) for file in files]
                ended = await asyncio.gather(*tasks, return_exceptions=True)
            finally:
                stopped = True
        for error in ended:
            if isinstance(error, BaseException):
                raise error
        return [done for done in ended if isinstance(done, bool)]

    with out:
        return asyncio.run(send_all()).count(False)


async def _followed(client: AsyncClient, sent: Sent, shown: Shown) -> bool:
    """Whether the file was processed to the end."""
    state: dict[str, Any] = {}
    async for state in client.follow(sent):
        shown.state(sent, state)
    return state.get("status") == "completed"
