"""Carries messages between a parent and a process that it started, over a pair of sockets."""

import json
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

MESSAGE_BYTES: Final = 1 << 16
"""Longest message: settings from the command line, or the lines of the startup banner."""
BEAT_SECONDS: Final = 1.0
"""Interval at which a process shows its parent that it runs."""


class MessageKind(StrEnum):
    """Lists the messages; what each carries is in parentheses."""

    ORDER = "order"
    """The parent says what to run (an ``Order`` as a mapping). It is the first message."""
    LISTENERS = "listeners"
    """The parent says which listeners the process serves in addition (list of slots)."""
    BEAT = "beat"
    """The process shows that its event loop or its threads run."""
    READY = "ready"
    """The process serves (lines of the startup banner)."""
    FAILED = "failed"
    """The process can't start (a sentence)."""
    STOPPING = "stopping"
    """The process accepts no more connections: someone else has requested its end."""


@dataclass(frozen=True, slots=True)
class Message:
    """Holds one message; ``content`` is JSON."""

    kind: MessageKind
    content: Any


class ChannelClosed(Exception):
    """Is raised when the other end is closed: its process has ended."""


class Channel:
    """Is one end. A message arrives whole, or not at all.

    After SIGHUP a process may be of a newer version than its parent, which passes over messages
    that it does not know.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end

    @classmethod
    def pair(cls) -> "tuple[Channel, socket.socket]":
        """Return the end of the parent, and the socket for the process that it starts."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(ours), theirs

    def fileno(self) -> int:
        """Return the descriptor, for selectors."""
        return self._end.fileno()

    def send(self, kind: MessageKind, content: object = None) -> bool:
        """Send a message without waiting.

        Returns: False: the other end has not read earlier messages, or is closed.
        """
        try:
            self._end.send(json.dumps([kind, content]).encode(), socket.MSG_DONTWAIT)
        except OSError:
            return False
        return True

    def receive(self) -> Message:
        """Wait for a message and return it. Raises: ChannelClosed."""
        while True:
            try:
                message = _parsed(self._end.recv(MESSAGE_BYTES))
            except ConnectionError as error:
                raise ChannelClosed from error
            if message is not None:
                return message

    def waiting(self) -> Sequence[Message]:
        """Return the messages that have arrived. Raises: ChannelClosed: after the last of them."""
        found: list[Message] = []
        while True:
            try:
                message = _parsed(self._end.recv(MESSAGE_BYTES, socket.MSG_DONTWAIT))
            except BlockingIOError:
                return found
            except (ConnectionError, ChannelClosed) as error:
                if found:
                    return found
                raise ChannelClosed from error
            if message is not None:
                found.append(message)

    def close(self) -> None:
        """Close this end, which the other one sees."""
        self._end.close()


def _parsed(packet: bytes) -> Message | None:
    """Return a message; None: it is of no known kind. Raises: ChannelClosed: there is none."""
    if not packet:
        raise ChannelClosed
    kind, content = json.loads(packet)
    return Message(MessageKind(kind), content) if kind in set(MessageKind) else None
