"""Fixtures for all: a server of one's own, and a plain refusal to skip in CI."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from support.certificates import read_once
from support.s3 import S3Server
from support.server import Server, running_server
from support.services import MariaDb, RabbitMq, Redis, Service
from support.warm_start import warm_starts

# A slow machine is no failure: hypothesis would judge the time of an example outside of CI too.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def logging_of_before() -> Iterator[None]:
    """Undo what a command did to logging that ran in the process of a test."""
    root = logging.getLogger()
    handlers, level, disabled = list(root.handlers), root.level, root.manager.disable
    yield
    logging.disable(disabled)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def no_logins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the logins of the user who runs the tests from the commands of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="session", autouse=True)
def certificates_are_read_once() -> Iterator[None]:
    """Give all clients of httpx what was read of the system's certificates."""
    with pytest.MonkeyPatch.context() as patch:
        read_once(patch)
        yield


@pytest.fixture(scope="session", autouse=True)
def servers_start_warm() -> Iterator[None]:
    """Start servers and workers as forks of a process that has imported the program."""
    with warm_starts():
        yield


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server with its worker, on an empty data directory."""
    with running_server(tmp_path / "data", "--workers", "1", env=FAST) as running:
        yield running


def _running(service: Service) -> Iterator[Service]:
    try:
        service.start()
        yield service
    finally:
        service.close()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[Redis]:
    """One Redis for the whole run; a test clears what it uses."""
    yield from _running(Redis())  # type: ignore[misc]


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """One MariaDB for the whole run; a test makes its own database."""
    yield from _running(MariaDb())  # type: ignore[misc]


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitMq]:
    """One RabbitMQ for the whole run; a test makes its own virtual host."""
    yield from _running(RabbitMq())  # type: ignore[misc]


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """One S3 server for the whole run; a test makes its own bucket."""
    yield from _running(S3Server())  # type: ignore[misc]


FAST = {"TUSD_MEDIA__PRESET": "ultrafast", "TUSD_JOBS__RELAY_EVERY": "0.1"}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """In CI a missing part is a failure."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped in CI: {report.longrepr}"
    return report
