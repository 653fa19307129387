"""Sending files in turn and following each, for ``tusd-py upload``."""

import mimetypes
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from tusd_py.cli.upload_output import JsonLines, Output, Terminal
from tusd_py.client.follower import follow
from tusd_py.client.hashing import file_hash
from tusd_py.client.remembered import Remembered, state_dir
from tusd_py.client.uploader import Refused, Sent, Uploader


def send_files(
    files: Sequence[Path],
    endpoint: str,
    extra: Mapping[str, str],
    *,
    retries: int,
    chunk_bytes: int | None,
    as_json: bool,
    follows: bool,
    instant: bool,
    token: str | None,
) -> int:
    """Send each file and, with ``follows``, wait for what becomes of it; with ``instant`` its hash is
    declared first. ``token`` says who is sending.

    Returns: how many failed. Raises: Unreachable.
    """
    out: Output = JsonLines() if as_json else Terminal(Console(highlight=False, soft_wrap=True))
    failed = 0
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx.Client(headers=headers, timeout=httpx.Timeout(90.0, connect=10.0)) as client:
        uploader = Uploader(
            client, endpoint, Remembered(state_dir()), retries=retries, chunk_bytes=chunk_bytes
        )
        for file in files:
            try:
                sent = _send(uploader, file, extra, out, instant=instant)
                if follows:
                    failed += not _follow(client, endpoint, sent, out)
            except Refused as error:
                out.failed(file, str(error))
                failed += 1
            except OSError as error:
                out.failed(file, error.strerror or str(error))
                failed += 1
    return failed


def _send(
    uploader: Uploader, file: Path, extra: Mapping[str, str], out: Output, *, instant: bool
) -> Sent:
    filetype = mimetypes.guess_type(file.name)[0] or ""
    metadata = {"filename": file.name, "filetype": filetype, **extra}
    size = file.stat().st_size
    if instant and size and not uploader.knows(file):
        with out.hashing(file, size):
            metadata["filehash"] = f"blake3:{file_hash(file, out.hashed)}"
    with out.sending(file, size):
        return uploader.send(
            file, {key: value for key, value in metadata.items() if value}, out.sent
        )


def _follow(client: httpx.Client, endpoint: str, sent: Sent, out: Output) -> bool:
    """Whether the file was processed to the end."""
    state: dict[str, Any] = {}
    for state in follow(client, endpoint, sent.task_id, token=sent.token):
        out.state(sent, state)
    return state.get("status") == "completed"
