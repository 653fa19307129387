"""The server against an application, an issuer, a metadata service and a scanner that misbehave."""

import asyncio
import base64
import gzip
import json
import socket
import threading
import tracemalloc
from collections.abc import Iterator
from threading import Event

import pytest
from support.hostile import Answering, HostileServer, answer
from support.issuer import Issuer

from tusd_py.auth import jwks_cache, jwks_document
from tusd_py.auth.jwks import parse_keys
from tusd_py.auth.jwks_cache import JwksCache
from tusd_py.auth.jwks_document import fetched
from tusd_py.clock import SystemClock
from tusd_py.domain.errors import HookUnavailable, KeysUnavailable, ScannerUnavailable
from tusd_py.domain.hook import HookEvent
from tusd_py.hooks.webhook import Webhook
from tusd_py.objects import oss
from tusd_py.worker.clamd import Clamd

MIB = 1 << 20
BOMB = gzip.compress(bytes(64 * MIB))
pytestmark = pytest.mark.timeout(30)


def drip(stopped: Event, head: bytes = b"") -> Iterator[bytes]:
    yield head
    while not stopped.wait(0.05):
        yield b" "


@pytest.fixture
def stopped() -> Iterator[Event]:
    event = Event()
    yield event
    event.set()


def drips(stopped: Event) -> list[Answering]:
    return [
        lambda _: drip(stopped, b"HTTP/1.1 200 OK\r\nX-Slow: "),
        lambda _: drip(stopped, answer(200, Content_Length="100000")),
    ]


async def decided_by(url: str, seconds: float) -> None:
    hook = Webhook(url, secret="", payload="tusd-py", timeout=seconds, clock=SystemClock())
    hook._form = lambda _: {}  # type: ignore[assignment]
    notification = type("Notification", (), {"event": HookEvent.PRE_CREATE, "id": "1"})()
    try:
        await hook.decide(notification)
    finally:
        await hook.close()


def test_a_hooks_compressed_answer_takes_no_memory() -> None:
    with HostileServer(lambda _: answer(200, BOMB, Content_Encoding="gzip")) as server:
        tracemalloc.start()
        try:
            with pytest.raises(HookUnavailable):
                asyncio.run(decided_by(server.files, 20))
            assert tracemalloc.get_traced_memory()[1] < 8 * MIB
        finally:
            tracemalloc.stop()
        assert server.requests[0].headers["accept-encoding"] == "identity"


def test_a_hook_that_drips_or_redirects_is_given_up(stopped: Event) -> None:
    with HostileServer(lambda _: b"") as server:
        for answering in (*drips(stopped), lambda _: answer(307, Location="/files/again")):
            server.answering = answering
            with pytest.raises(HookUnavailable):
                asyncio.run(decided_by(server.files, 0.5))
        assert len(server.requests) == 3


def test_an_issuers_answer_is_bounded_in_time_and_bytes(
    stopped: Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks_document, "FETCH_SECONDS", 0.5)
    with HostileServer(lambda _: b"") as server:
        for answering in drips(stopped):
            server.answering = answering
            with pytest.raises(TimeoutError):
                fetched(server.files)
        monkeypatch.undo()
        for given in (
            answer(200, BOMB, Content_Encoding="gzip"),
            answer(200, bytes(2 * MIB)),
            answer(302, Location="/files/again"),
        ):
            server.answering = lambda _, given=given: given
            tracemalloc.start()
            try:
                with pytest.raises(ValueError):  # noqa: PT011
                    fetched(server.files)
                assert tracemalloc.get_traced_memory()[1] < 8 * MIB
            finally:
                tracemalloc.stop()
        assert len(server.requests) == 5


def test_tokens_of_unknown_keys_wait_for_one_fetch_and_no_longer_than_its_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """This holds whatever happens to the fetch."""
    hangs, fetches = Event(), []

    def fetch() -> bytes:
        fetches.append(1)
        hangs.wait()
        return b""

    monkeypatch.setattr(jwks_cache, "FETCH_SECONDS", 0.2)
    keys = JwksCache(fetch, SystemClock(), max_age=60.0)

    async def all_keys() -> list[object]:
        return await asyncio.gather(
            *(keys.key(f"kid{n}") for n in range(50)), return_exceptions=True
        )

    try:
        results = asyncio.run(all_keys())
    finally:
        hangs.set()
    assert all(isinstance(each, KeysUnavailable) for each in results)
    assert len(fetches) == 1


def numbers(size: int) -> str:
    return base64.urlsafe_b64encode(b"\xff" * size).rstrip(b"=").decode()


def test_keys_that_cost_too_much_to_check_with_are_passed_over() -> None:
    issuer = Issuer()
    try:
        good = issuer.public()
    finally:
        issuer.close()
    large = {"kty": "RSA", "kid": "large", "n": numbers(100_000), "e": "AQAB"}
    slow = {"kty": "RSA", "kid": "slow", "n": numbers(256), "e": numbers(255)}
    found = parse_keys(json.dumps({"keys": [large, slow, good]}).encode())
    assert list(found.by_kid) == ["first"]
    with pytest.raises(ValueError, match="more than"):
        parse_keys(json.dumps({"keys": [good] * 1000}).encode())


def test_temporary_keys_are_bounded_too_and_their_address_is_not_logged(
    stopped: Event, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(oss, "CREDENTIALS_SECONDS", 0.5, raising=False)
    bodies = [answer(200, bytes(MIB)), answer(302, Location="/files/again"), answer(200, b"[]")]
    answers: list[Answering] = [*drips(stopped), *(lambda _, b=b: b for b in bodies)]
    with HostileServer(lambda _: b"") as server:
        for answering in answers:
            server.answering = answering
            provider = oss.fetched_credentials(f"{server.files}?token=canary")
            with pytest.raises(oss.OssError):
                provider.get_credentials()
        assert len(server.requests) == len(answers)
    assert "canary" not in caplog.text


def test_a_scanner_that_drips_gives_no_verdict_in_time() -> None:
    stop = Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            while not stop.wait(0.05):
                connection.sendall(b"x")

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        clamd = Clamd(f"127.0.0.1:{listener.getsockname()[1]}", SystemClock(), timeout=0.5)
        with pytest.raises(ScannerUnavailable):
            clamd.version()
    finally:
        stop.set()
        thread.join()
        listener.close()
