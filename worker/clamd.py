"""A client of clamd: INSTREAM, PING and VERSION (clamd(8)).

No library: the one on PyPI reads a file in one piece, knows no time limit of a whole scan and can't be
called off. Nothing here blocks longer than ``LOOK_SECONDS`` without asking whether to go on.
"""

import select
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import BinaryIO, Final

from tusd_py.clock import Clock
from tusd_py.domain.errors import ScannerUnavailable

PIECE_BYTES: Final = 256 << 10
LOOK_SECONDS: Final = 0.5
CONNECT_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 4096


class Verdict(StrEnum):
    """What a scan came to."""

    CLEAN = "clean"
    INFECTED = "infected"
    TOO_LARGE = "too_large"
    """Beyond what clamd takes (its StreamMaxLength)."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """``signature``: clamd's name of what it found."""

    verdict: Verdict
    signature: str = ""


class Clamd:
    """One clamd; a connection for each question. From any thread."""

    def __init__(self, address: str, clock: Clock, *, timeout: float) -> None:
        """``address``: host:port, or the path of a socket; ``timeout``: seconds without any progress,
        the wait for the verdict included."""
        self._address = address
        self._clock = clock
        self._timeout = timeout

    def version(self) -> str:
        """Such as ``ClamAV 1.4.3/27750/Wed Sep  3 08:27:00 2026``. Raises: ScannerUnavailable."""
        with self._conversation(lambda: None) as conversation:
            conversation.send(b"zVERSION\0")
            return conversation.answer()

    def scan(self, file: BinaryIO, check: Callable[[], None]) -> ScanResult:
        """Send a file from where it stands to its end, piece by piece.

        ``check`` is called at least every second and may raise to end it.
        Raises: ScannerUnavailable: no verdict; what ``check`` and ``file`` raise.
        """
        with self._conversation(check) as conversation:
            conversation.send(b"zINSTREAM\0")
            while piece := file.read(PIECE_BYTES):
                if not conversation.send(len(piece).to_bytes(4, "big") + piece):
                    break  # it has made up its mind
            else:
                conversation.send(bytes(4))
            return judged(conversation.answer())

    def _conversation(self, check: Callable[[], None]) -> "_Conversation":
        return _Conversation(self._connect(), self._clock, self._timeout, check)

    def _connect(self) -> socket.socket:
        try:
            connection = self._by_path() if self._address.startswith("/") else self._by_name()
        except OSError as error:
            raise ScannerUnavailable from error
        connection.settimeout(LOOK_SECONDS)
        return connection

    def _by_path(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(CONNECT_SECONDS)
            connection.connect(self._address)
        except OSError:
            connection.close()
            raise
        return connection

    def _by_name(self) -> socket.socket:
        host, _, port = self._address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS)


def judged(answer: str) -> ScanResult:
    """The verdict in an answer. Raises: ScannerUnavailable: there is none in it."""
    words = answer.removeprefix("stream: ").split()
    if words == ["OK"]:
        return ScanResult(Verdict.CLEAN)
    if len(words) > 1 and words[-1] == "FOUND":
        return ScanResult(Verdict.INFECTED, " ".join(words[:-1]))
    if answer.startswith("INSTREAM size limit exceeded"):
        return ScanResult(Verdict.TOO_LARGE)
    raise ScannerUnavailable("The virus scanner gave no verdict.")


class _Conversation:
    """One question and its answer."""

    def __init__(
        self,
        connection: socket.socket,
        clock: Clock,
        timeout: float,
        check: Callable[[], None],
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._timeout = timeout
        self._check = check
        self._moved_at = clock.monotonic()

    def send(self, data: bytes) -> bool:
        """All of it; False: an answer is here already, or the other side takes no more."""
        rest = memoryview(data)
        while rest:
            if self._answered():
                return False
            try:
                rest = rest[self._connection.send(rest) :]
                self._moved_at = self._clock.monotonic()
                self._check()
            except TimeoutError:
                self._wait()
            except OSError:
                # Its answer may still be there to be read.
                return False
        return True

    def _answered(self) -> bool:
        return bool(select.select([self._connection], [], [], 0)[0])

    def answer(self) -> str:
        """Up to its NUL, or the end. Raises: ScannerUnavailable."""
        found = b""
        while not found.endswith(b"\0"):
            # An answer that comes byte by byte is no progress.
            self._wait()
            try:
                piece = self._connection.recv(MAX_ANSWER_BYTES)
            except TimeoutError:
                continue
            except OSError as error:
                raise ScannerUnavailable("The virus scanner cut the connection.") from error
            if not piece or len(found) > MAX_ANSWER_BYTES:
                break
            found += piece
            # The time is for the answer as a whole, not for each piece of it.
            self._wait()
        return found.rstrip(b"\0\n").decode("utf-8", "replace")

    def _wait(self) -> None:
        self._check()
        if self._clock.monotonic() - self._moved_at > self._timeout:
            raise ScannerUnavailable("The virus scanner did not answer in time.")

    def __enter__(self) -> "_Conversation":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._connection.close()
