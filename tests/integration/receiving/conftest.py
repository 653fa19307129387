"""Provide a server that receives in both ways, by threads and through ASGI, and a connection to it."""

from collections.abc import Iterator

import pytest
from support.raw_http import Connection, connected
from support.server import Server, running_server


@pytest.fixture(scope="module", params=["true", "false"], ids=["lent", "asgi"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("receiving") / "data"
    with running_server(
        folder, "--workers", "0", env={"TUSD_LEND_BODIES": request.param}
    ) as started:
        yield started
    assert "Traceback" not in "\n".join(started.lines)


@pytest.fixture
def connection(server: Server) -> Iterator[Connection]:
    with connected(server.url) as opened:
        yield opened
