"""A client of clamd: the commands INSTREAM and VERSION (clamd(8)).

No library is used: the one on PyPI reads a whole file into memory, has no time limit for a whole
scan and can't be interrupted. Nothing here blocks longer than ``LOOK_SECONDS`` without a call of
``check``.
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
from tusd_py.domain.service_failure import failure_text

PIECE_BYTES: Final = 256 << 10
LOOK_SECONDS: Final = 0.5
"""Longest time that one call of the socket blocks."""
CONNECT_SECONDS: Final = 5.0
MAX_ANSWER_BYTES: Final = 4096


class Verdict(StrEnum):
    """Names the result of a scan."""

    CLEAN = "clean"
    INFECTED = "infected"
    TOO_LARGE = "too_large"
    """The file is larger than clamd accepts (its StreamMaxLength)."""


@dataclass(frozen=True, slots=True)
class ScanResult:
    """Holds the verdict on a file."""

    verdict: Verdict
    signature: str = ""
    """Clamd's name of the virus that it found."""


class Clamd:
    """Sends commands to one clamd, each over its own connection. Any thread may call it."""

    def __init__(self, address: str, clock: Clock, *, timeout: float) -> None:
        """Prepare a client; it connects for each command.

        Args: address: ``host:port``, or the path of a socket. timeout: seconds without any progress
            after which a command fails; the wait for the verdict is included.
        """
        self._address = address
        self._clock = clock
        self._timeout = timeout

    def version(self) -> str:
        """Return the version, such as ``ClamAV 1.4.3/27750/Wed Sep  3 08:27:00 2026``.

        Raises: ScannerUnavailable.
        """
        with self._conversation(lambda: None) as conversation:
            conversation.send(b"zVERSION\0")
            return conversation.answer()

    def scan(self, file: BinaryIO, check: Callable[[], None]) -> ScanResult:
        """Send a file from its position to its end, piece by piece, and return the verdict.

        ``check`` is called at least every second and may raise to end the scan.
        Raises: ScannerUnavailable: there is no verdict; what ``check`` and ``file`` raise.
        """
        with self._conversation(check) as conversation:
            conversation.send(b"zINSTREAM\0")
            while piece := file.read(PIECE_BYTES):
                if not conversation.send(len(piece).to_bytes(4, "big") + piece):
                    break  # clamd has answered before the end of the file
            else:
                conversation.send(bytes(4))
            return read_verdict(conversation.answer())

    def _conversation(self, check: Callable[[], None]) -> "_Conversation":
        return _Conversation(self._connect(), self._clock, self._timeout, check)

    def _connect(self) -> socket.socket:
        try:
            connection = self._by_path() if self._address.startswith("/") else self._by_name()
        except OSError as error:
            reason = failure_text("the virus scanner, clamd", self._address, str(error))
            raise ScannerUnavailable(reason=reason) from error
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


def read_verdict(answer: str) -> ScanResult:
    """Return the verdict in an answer. Raises: ScannerUnavailable: it holds none."""
    words = answer.removeprefix("stream: ").split()
    if words == ["OK"]:
        return ScanResult(Verdict.CLEAN)
    if len(words) > 1 and words[-1] == "FOUND":
        return ScanResult(Verdict.INFECTED, " ".join(words[:-1]))
    if answer.startswith("INSTREAM size limit exceeded"):
        return ScanResult(Verdict.TOO_LARGE)
    raise ScannerUnavailable("The virus scanner gave no verdict.")


class _Conversation:
    """Sends one command and reads its answer."""

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
        """Send all of the data.

        Returns: False if clamd has answered already or accepts no more.
        """
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
                # Clamd's answer may still be in the buffer.
                return False
        return True

    def _answered(self) -> bool:
        return bool(select.select([self._connection], [], [], 0)[0])

    def answer(self) -> str:
        """Read the answer up to its NUL or the end of the stream. Raises: ScannerUnavailable."""
        found = b""
        while not found.endswith(b"\0"):
            # Single bytes of an answer do not count as progress.
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
            # The time limit is for the answer as a whole, not for each piece of it.
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
