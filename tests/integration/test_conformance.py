"""The tus conformance suite against our own server.

It runs without a proxy, and behind one with expiry; with both ways of receiving.
"""

from pathlib import Path

import pytest
from support.conformance import SETTINGS, by_outcome, run_suite
from support.server import running_server

NOT_ANNOUNCED = {"C134", "C166", "C189", "C190"}
"""Checks of a server that does *not* announce an extension: we announce it."""
TRAILERS = {"C155", "C156", "C157", "C158"}
"""checksum-trailer is not announced behind a proxy, which drops trailers."""
NEEDS_PROXY = {"C91", "C92", "C93", "C94", "C95", "C96"}
NEEDS_WAITING = {"C64", "C140", "C141", "C142"}


@pytest.fixture(params=["true", "false"], ids=["lent", "asgi"])
def way(request: pytest.FixtureRequest) -> dict[str, str]:
    """Return how bodies are received, as the server's environment names it."""
    return {"TUSD_LEND_BODIES": request.param, **SETTINGS}


def test_every_check_passes_on_a_plain_server(tmp_path: Path, way: dict[str, str]) -> None:
    with running_server(tmp_path / "data", "--max-size", "8MiB", env=way) as server:
        outcomes = run_suite(server.files, tmp_path / "report.json")
    assert by_outcome(outcomes, "failed") == set()
    assert by_outcome(outcomes, "skipped") == NOT_ANNOUNCED | NEEDS_PROXY | NEEDS_WAITING


def test_every_check_passes_behind_a_proxy_with_expiry_and_idle_timeout(
    tmp_path: Path, way: dict[str, str]
) -> None:
    with running_server(
        tmp_path / "data",
        "--max-size", "8MiB", "--behind-proxy", "--upload-expires", "6s", "--idle-timeout", "2s",
        env=way,
    ) as server:  # fmt: skip
        outcomes = run_suite(
            server.files,
            tmp_path / "report.json",
            TUS_BEHIND_PROXY="1",
            TUS_EXPIRY="6",
            TUS_IDLE_TIMEOUT="2",
        )
    assert by_outcome(outcomes, "failed") == set()
    assert by_outcome(outcomes, "skipped") == NOT_ANNOUNCED | TRAILERS | {"C90"}
