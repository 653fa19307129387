"""Tests the client of clamd."""

import socket
import threading
from collections.abc import Sequence
from io import BytesIO

import pytest
from support.clock import FakeClock

from tusd_py.clock import SystemClock
from tusd_py.domain.errors import ScannerUnavailable
from tusd_py.worker.clamd import Clamd, ScanResult, Verdict, read_verdict


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("stream: OK", ScanResult(Verdict.CLEAN)),
        (
            "stream: Win.Test.EICAR_HDB-1 FOUND",
            ScanResult(Verdict.INFECTED, "Win.Test.EICAR_HDB-1"),
        ),
        ("stream: OK FOUND", ScanResult(Verdict.INFECTED, "OK")),
        ("INSTREAM size limit exceeded. ERROR", ScanResult(Verdict.TOO_LARGE)),
    ],
)
def test_verdicts(answer: str, expected: ScanResult) -> None:
    assert read_verdict(answer) == expected


@pytest.mark.parametrize(
    "answer",
    ["", "stream: ", "FOUND", "stream: Can't allocate memory ERROR", "OKAY", "stream: OK!"],
)
def test_any_other_answer_is_no_verdict(answer: str) -> None:
    with pytest.raises(ScannerUnavailable):
        read_verdict(answer)


def scan_with_answer(pieces: Sequence[bytes], *, read: bool = True) -> ScanResult:
    """Scan with a server that sends these pieces as its answer, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                received = b""
                while read and not received.endswith(bytes(4)):
                    received += connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            clamd = Clamd(f"127.0.0.1:{listener.getsockname()[1]}", SystemClock(), timeout=5)
            return clamd.scan(BytesIO(b"content"), lambda: None)
        finally:
            thread.join()


def test_an_answer_in_pieces() -> None:
    assert scan_with_answer([b"stre", b"am: O", b"K\0"]) == ScanResult(Verdict.CLEAN)


def test_an_answer_that_ends_without_its_mark() -> None:
    assert scan_with_answer([b"stream: OK\n"]) == ScanResult(Verdict.CLEAN)


@pytest.mark.parametrize(
    "pieces", [[], [b"\xff\xfe\0"], [b"x" * 10_000], [b"stream: OK", b" maybe\0"]]
)
def test_garbage_is_no_verdict(pieces: list[bytes]) -> None:
    with pytest.raises(ScannerUnavailable):
        scan_with_answer(pieces)


def test_a_server_that_closes_at_once_gives_no_verdict() -> None:
    with pytest.raises(ScannerUnavailable):
        scan_with_answer([], read=False)


def test_an_answer_in_single_bytes_ends_in_time() -> None:
    clock = FakeClock()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        done = threading.Event()

        def send_slowly() -> None:
            connection, _ = listener.accept()
            with connection:
                while not done.wait(0.01):
                    try:
                        connection.sendall(b"x")
                    except OSError:
                        return

        thread = threading.Thread(target=send_slowly)
        thread.start()
        clamd = Clamd(f"127.0.0.1:{listener.getsockname()[1]}", clock, timeout=5)
        looks = 0

        def check() -> None:
            nonlocal looks
            looks += 1
            clock.advance(1)

        try:
            with pytest.raises(ScannerUnavailable, match="in time"):
                clamd.scan(BytesIO(b""), check)
        finally:
            done.set()
            thread.join()
        assert looks < 20


def test_a_scanner_that_is_away_is_named_to_operators() -> None:
    with pytest.raises(ScannerUnavailable) as caught:
        Clamd("127.0.0.1:1", SystemClock(), timeout=5).version()
    assert caught.value.reason.startswith("the virus scanner, clamd at 127.0.0.1:1: ")
    assert caught.value.detail == ScannerUnavailable.sentence
