"""The tus conformance suite against our own server.

It runs without a proxy, and behind one with expiry; with both ways of receiving.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.conformance import SETTINGS, Outcomes, by_outcome, run_suite
from support.server import running_server

NOT_ANNOUNCED = {"C134", "C166", "C189", "C190"}
"""Checks of a server that does *not* announce an extension: we announce it."""
TRAILERS = {"C155", "C156", "C157", "C158"}
"""checksum-trailer is not announced behind a proxy, which drops trailers."""
NEEDS_PROXY = {"C91", "C92", "C93", "C94", "C95", "C96"}
NEEDS_WAITING = {"C64", "C140", "C141", "C142"}


WAYS = {"lent": "true", "asgi": "false"}
"""How bodies are received, and how the server's environment names it."""


@pytest.mark.parametrize("way", WAYS)
def test_every_check_passes_on_a_plain_server(tmp_path: Path, way: str) -> None:
    env = {"TUSD_LEND_BODIES": WAYS[way], **SETTINGS}
    with running_server(tmp_path / "data", "--max-size", "8MiB", env=env) as server:
        outcomes = run_suite(server.files, tmp_path / "report.json")
    assert by_outcome(outcomes, "failed") == set()
    assert by_outcome(outcomes, "skipped") == NOT_ANNOUNCED | NEEDS_PROXY | NEEDS_WAITING


def behind_a_proxy_with_expiry_and_idle_timeout(folder: Path, way: str) -> Outcomes:
    with running_server(
        folder / "data",
        "--max-size", "8MiB", "--behind-proxy", "--upload-expires", "6s", "--idle-timeout", "2s",
        env={"TUSD_LEND_BODIES": WAYS[way], **SETTINGS},
    ) as server:  # fmt: skip
        return run_suite(
            server.files,
            folder / "report.json",
            TUS_BEHIND_PROXY="1",
            TUS_EXPIRY="6",
            TUS_IDLE_TIMEOUT="2",
        )


def test_every_check_passes_behind_a_proxy_with_expiry_and_idle_timeout(tmp_path: Path) -> None:
    """Most of the time is spent waiting, so both ways are checked at the same time."""
    with ThreadPoolExecutor(len(WAYS)) as threads:
        running = {}
        for way in WAYS:
            folder = tmp_path / way
            folder.mkdir()
            running[way] = threads.submit(behind_a_proxy_with_expiry_and_idle_timeout, folder, way)
    for way, done in running.items():
        outcomes = done.result()
        assert by_outcome(outcomes, "failed") == set(), way
        assert by_outcome(outcomes, "skipped") == NOT_ANNOUNCED | TRAILERS | {"C90"}, way
