"""The suite for the IETF's resumable uploads against our own server.

It runs in the words of every version on a lent connection. The words do not change with the way by
which requests come: by plain ASGI with users of its own, over TLS that ends in the process, and
through nginx, it runs in those of four versions, which together have every check.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from support.ietf_conformance import Outcomes, by_outcome, run_suite
from support.proxies import Nginx
from support.required import needs_programs
from support.server import running_server
from support.tls_server import TlsServer
from support.tokens import SECRET, bearer, token

Way = Callable[[Path], Outcomes]
WEEK = str(7 * 24 * 3600)
FLAGS = ("--max-size", "8MiB", "--workers", "0")
ORIGIN = {"TUSD_CORS__ALLOW_ORIGINS": "https://app.example.test"}
NOT_THERE = {"I67", "I68"}
"""Checks of limits of a request's size, which we do not have."""
NEEDS_USERS = {"I92"}
NEEDS_PROXY = {"I94"}
NEEDS_INTERIM = {
    "I7", "I8", "I9", "I14", "I39", "I40", "I41", "I62", "I63", "I64", "I79", "I85", "I93",
}  # fmt: skip
"""Checks of 104 responses, which nginx would take for the answer: behind it we send none."""


def on_a_lent_connection(folder: Path) -> Outcomes:
    # With a worker, which goes on with the files while their clients ask again.
    flags = ("--max-size", "8MiB", "--workers", "1")
    with running_server(folder / "data", *flags, env=ORIGIN) as server:
        return run_suite(
            server.files,
            folder / "report.json",
            RUFH_EXPIRY=WEEK,
        )


def by_plain_asgi_with_users(folder: Path) -> Outcomes:
    users = {"TUSD_AUTH__REQUIRED": "true", "TUSD_AUTH__ACCESS_SECRET": SECRET}
    env = {"TUSD_LEND_BODIES": "false", **users, **ORIGIN}
    with running_server(folder / "data", *FLAGS, env=env) as server:
        return run_suite(
            server.files,
            folder / "report.json",
            RUFH_EXPIRY=WEEK,
            RUFH_VERSIONS="3,6,9,none",
            RUFH_EXTRA_HEADERS=json.dumps(bearer(token(7))),
            RUFH_OTHER_HEADERS=json.dumps(bearer(token(8))),
        )


def over_tls(folder: Path) -> Outcomes:
    server = TlsServer()
    try:
        server.start()
        return run_suite(
            server.files,
            folder / "report.json",
            RUFH_EXPIRY=WEEK,
            RUFH_VERSIONS="5,6,10,none",
            SSL_CERT_FILE=str(server.certificate),
        )
    finally:
        server.close()


def through_nginx(folder: Path) -> Outcomes:
    with running_server(folder / "data", *FLAGS, "--behind-proxy", env=ORIGIN) as server:
        proxy = Nginx(server.port)
        try:
            proxy.start()
            return run_suite(
                proxy.files,
                folder / "report.json",
                RUFH_EXPIRY=WEEK,
                RUFH_VERSIONS="6,8,10,none",
                RUFH_PROXY="1",
            )
        finally:
            proxy.close()


WAYS: dict[Way, set[str]] = {
    on_a_lent_connection: NOT_THERE | NEEDS_USERS | NEEDS_PROXY,
    by_plain_asgi_with_users: NOT_THERE | NEEDS_PROXY,
    over_tls: NOT_THERE | NEEDS_USERS | NEEDS_PROXY,
    through_nginx: NOT_THERE | NEEDS_USERS | NEEDS_INTERIM,
}
"""By the way that requests come: the checks that may be skipped."""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Way, Future[Outcomes]]]:
    """Run the suite in all ways at the same time: a part of its time is spent waiting."""
    with ThreadPoolExecutor(len(WAYS)) as threads:
        yield {way: threads.submit(way, tmp_path_factory.mktemp(way.__name__)) for way in WAYS}


@needs_programs("nginx")
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_every_check_of_the_draft_passes(running: dict[Way, Future[Outcomes]], way: Way) -> None:
    outcomes = running[way].result()
    assert by_outcome(outcomes, "failed") == {}
    assert by_outcome(outcomes, "skipped").keys() == WAYS[way]
