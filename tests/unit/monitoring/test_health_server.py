"""The server of health and metrics at an address of its own."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tusd_py.monitoring.health_server import Routes, serving
from tusd_py.monitoring.listening import listening


def named(name: str) -> Routes:
    return {"/healthz": lambda: (200, "text/plain", name.encode())}


@pytest.fixture(params=["127.0.0.1:0", "socket"])
def listen(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "figures") if request.param == "socket" else request.param


@pytest.fixture
def listener(listen: str) -> Iterator[socket.socket]:
    with listening(listen) as found:
        yield found


def fetched(address: str) -> str:
    uds = address.removeprefix("unix:") if address.startswith("unix:") else None
    base = "http://localhost" if uds else address
    with httpx.Client(transport=httpx.HTTPTransport(uds=uds), base_url=base) as client:
        return client.get("/healthz").raise_for_status().text


def test_processes_that_inherit_a_socket_serve_it_together(
    listen: str, listener: socket.socket
) -> None:
    with ExitStack() as stack:
        address = ""
        for name in ("first", "second"):
            inherited = socket.socket(fileno=socket.dup(listener.fileno()))
            address = stack.enter_context(
                serving(listen, named(name), allowed_hosts=(), listener=inherited)
            )
        assert {fetched(address) for _ in range(20)} <= {"first", "second"}
        # It ends although others took the connections that it saw.
        stack.close()
        inherited = socket.socket(fileno=socket.dup(listener.fileno()))
        with serving(listen, named("third"), allowed_hosts=(), listener=inherited) as address:
            assert fetched(address) == "third"
    if listen.startswith("/"):
        assert Path(listen).is_socket()


def test_an_address_in_use_is_named(listen: str, listener: socket.socket) -> None:
    if not listen.startswith("/"):
        listen = f"127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(OSError, match="in use") as error, listening(listen):
        pass
    assert error.value.filename == listen
