"""How many streams one user may have open, and what a client gets that does not read."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import httpx
import pytest
from support.raw_http import Connection, connected
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import create, patch, task_id, upload
from support.waiting import wait_until
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

EVENTS: Final = "/api/file/upload/events"
LIMIT: Final = 20


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("streams") / "data"
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(folder, "--workers", "0", env=env) as running:
        yield running
    assert "Traceback" not in "\n".join(running.lines)


def headers(user: int) -> dict[str, str]:
    return bearer(token(user))


def listen(server: Server, user: int, path: str = EVENTS) -> tuple[Connection, int, bytes]:
    """Open a stream; return the connection, the status and the body (of a refusal)."""
    connection = Connection(server.url)
    connection.send(connection.request("GET", path, **headers(user)))
    answer = connection.answer()
    return connection, answer.status, answer.body


def websocket(server: Server, user: int, task: str) -> ClientConnection:
    address = f"{server.url.replace('http', 'ws')}/api/file/upload/ws/{task}"
    return connect(address, additional_headers=headers(user), open_timeout=30)


def test_the_number_of_a_users_streams_of_all_kinds_is_limited(server: Server) -> None:
    task = task_id(create(server, 10, headers=headers(7)))
    with ExitStack() as stack:
        for number in range(LIMIT - 1):
            path = EVENTS if number % 2 else f"{EVENTS}/{task}"
            connection, status, _ = listen(server, 7, path)
            stack.callback(connection.socket.close)
            assert status == 200
        followed = stack.enter_context(websocket(server, 7, task))
        assert json.loads(followed.recv(30))["task_id"] == task

        connection, status, body = listen(server, 7)
        connection.socket.close()
        assert (status, json.loads(body)["code"]) == (429, "too_many_streams")
        assert json.loads(body)["error"] == "同时打开的进度连接过多，请稍后再试"
        with pytest.raises(InvalidStatus) as refused:
            websocket(server, 7, task)
        answer = refused.value.response
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "5")
        assert json.loads(answer.body or b"")["code"] == "too_many_streams"

        other, status, _ = listen(server, 8)
        stack.callback(other.socket.close)
        assert status == 200, "streams of another user are counted separately"
        progress = f"{server.url}/api/file/upload/progress/{task}"
        assert httpx.get(progress, headers=headers(7)).status_code == 200

    def again() -> bool:
        connection, status, _ = listen(server, 7)
        connection.socket.close()
        return status == 200

    wait_until(again)


def test_a_tickets_stream_counts_for_its_user(server: Server) -> None:
    tickets = f"{server.url}/api/file/upload/tickets"
    with ExitStack() as stack:
        for number in range(LIMIT + 1):
            ticket = httpx.post(tickets, headers=headers(9)).json()["ticket"]
            connection = stack.enter_context(connected(server.url))
            head = f"GET {EVENTS}?ticket={ticket} HTTP/1.1\r\nHost: {connection.host}\r\n\r\n"
            connection.send(head.encode())
            assert connection.answer().status == (200 if number < LIMIT else 429)


@pytest.mark.parametrize("message", ["a", b"\x00\xff", ""])
def test_a_websocket_is_not_compressed_and_its_first_message_closes_it(
    server: Server, message: str | bytes
) -> None:
    with websocket(server, 10, task_id(create(server, 10, headers=headers(10)))) as following:
        assert following.response is not None
        assert "Sec-WebSocket-Extensions" not in following.response.headers
        following.recv(30)
        following.send(message)
        with pytest.raises(ConnectionClosedError):
            following.recv(30)
        assert following.close_code == 1008


def test_without_authentication_a_household_shares_no_limit(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", "--workers", "0") as server, ExitStack() as stack:
        for _ in range(LIMIT + 5):
            connection = stack.enter_context(connected(server.url))
            connection.send(connection.request("GET", EVENTS))
            assert connection.answer().status == 200


def test_a_client_that_was_away_gets_what_ended_meanwhile(tmp_path: Path) -> None:
    """The view may be lost meanwhile: the records have the end too."""
    with running_server(tmp_path / "data", env={"TUSD_AUTH__ACCESS_SECRET": SECRET}) as server:
        url = f"{server.url}{EVENTS}"
        with httpx.stream("GET", url, headers=headers(1), timeout=30) as stream:
            first = next(line for line in stream.iter_lines() if line.startswith("id: "))
        last_id = first.removeprefix("id: ")
        ended = upload(server, b"ended meanwhile", headers=headers(1))
        progress = f"{server.url}/api/file/upload/progress/{ended}"
        wait_until(
            lambda: httpx.get(progress, headers=headers(1)).json()["status"] == "completed", 60
        )
        rejected = create(server, 1, headers=headers(1), filehash="blake3:" + "0" * 64)
        assert patch(rejected, 0, b"x", **headers(1)).status_code == 460
        begun = task_id(create(server, 10, headers=headers(1)))
        expected = {ended: "completed", task_id(rejected): "failed", begun: "pending"}
        away = {**headers(1), "Last-Event-ID": last_id}
        assert states(url, away, 3) == expected
        # Without the id, or long afterwards, only what is unfinished is sent.
        assert states(url, headers(1), 1) == {begun: "pending"}
        later = f"{last_id.rpartition('.')[0]}.{int(last_id.rpartition('.')[2]) + 3_600_000}"
        assert states(url, {**headers(1), "Last-Event-ID": later}, 1) == {begun: "pending"}
        with sqlite3.connect(server.data_dir / "tasks.sqlite3") as view:
            view.execute("DELETE FROM tasks WHERE task_id = ?", (ended,))
        assert states(url, away, 3) == expected


def states(url: str, fields: dict[str, str], count: int) -> dict[str, str]:
    """Return the first states of a user's stream, by task."""
    found: dict[str, str] = {}
    with httpx.stream("GET", url, headers=fields, timeout=30) as stream:
        for line in stream.iter_lines():
            if line.startswith("data: {"):
                state = json.loads(line.removeprefix("data: "))
                found[state["task_id"]] = state["status"]
            if len(found) == count:
                break
    return found
