"""Provide an OSS endpoint on a clock that the test moves, and SDK clients for it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import oss2
import pytest
from support.clock import FakeClock
from support.oss.clients import KEYS, SIGNERS, TOKENS, bucket_client
from support.oss.server import OssServer

from tusd_py.clock import SystemClock


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that starts at the time with which the SDK signs."""
    return FakeClock(now=SystemClock().now())


@pytest.fixture
def oss(tmp_path: Path, clock: FakeClock) -> Iterator[OssServer]:
    server = OssServer(
        tmp_path / "oss", keys=KEYS, tokens=TOKENS, min_part=1000, clock=clock
    ).start()
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def bucket(oss: OssServer) -> oss2.Bucket:
    return bucket_client(oss.url)


@pytest.fixture(params=SIGNERS)
def signed(oss: OssServer, request: pytest.FixtureRequest) -> oss2.Bucket:
    """Return the bucket, with each signature."""
    return bucket_client(oss.url, SIGNERS[request.param]())


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    """Return a client without the SDK; each new one would read the system's certificates."""
    with httpx.Client() as client:
        yield client
