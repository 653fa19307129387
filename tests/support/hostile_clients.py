"""Our clients with the settings of tests against hostile servers: few and short attempts."""

import asyncio
import io
import os
from pathlib import Path

from tusd_py.client import AsyncClient, Client, Options
from tusd_py.client.resume_store import ResumeStore

TOKEN = "canary-token-1f2e"
TASK = "0" * 32
CONTENT = os.urandom(100_000)
KINDS = ["blocking", "async", "stream"]


def quick(folder: Path, **more: int) -> Options:
    return Options(
        resume_store=ResumeStore(folder / "state"), longest_pause=0.01, **{"retries": 3, **more}
    )


def upload_by(kind: str, url: str, file: Path, folder: Path, token: str | None = TOKEN) -> None:
    options = quick(folder)
    if kind == "stream":
        with Client(url, token=token, options=options) as client:
            client.upload_stream(io.BytesIO(file.read_bytes()))
    elif kind == "blocking":
        with Client(url, token=token, options=options) as client:
            client.upload(file)
    else:

        async def run() -> None:
            async with AsyncClient(url, token=token, options=options) as client:
                await client.upload(file)

        asyncio.run(run())
