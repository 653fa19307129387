"""Carries small messages between the processes that serve one port of one machine.

Rule 1: a message is a hint. One that meets a full mailbox or none is lost, and no sender waits. The
kernel lets ten messages wait in a mailbox (``net.unix.max_dgram_qlen``).
Rule 2: a process has a mailbox, a datagram socket, for each kind of message that it listens to. A
mapped file says which mailboxes there are: nothing is sent to a process that would drop it.
Rule 3: a sender has a socket for each receiver: messages that wait at a stopped process fill the
sender's buffer, and must not use up that of the others.
Rule 4: sockets are named through the descriptor of their directory, since the name of a socket may
have 107 bytes, and a data directory more.
"""

import logging
import os
import select
import socket
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from typing import Final

from tusd_py.shared_file import map_file
from tusd_py.siblings import Siblings

log = logging.getLogger(__name__)

MAX_BYTES: Final = 512
"""Longest message."""
_LISTENERS: Final = "listeners"


class Topic(IntEnum):
    """Lists the kinds of messages."""

    RELEASE = 0
    """A request needs the upload whose id is the message."""
    JOB = 1
    """A job was queued."""
    TASK = 2
    """The state of a task changed."""


class Mailbox:
    """Receives the messages of one topic that the others send to this process."""

    def __init__(self, name: str, set_listening: Callable[[bool], None]) -> None:
        self._set_listening = set_listening
        self._ended = False
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        try:
            # The name belonged to an earlier process of this number, or to an earlier mailbox.
            Path(name).unlink(missing_ok=True)
            self._socket.bind(name)
        except OSError:
            # The disk may be full. Whatever waits for a message also looks by itself (rule 1).
            log.warning("bus.deaf", exc_info=True)
        else:
            set_listening(True)

    def fileno(self) -> int:
        """Return the descriptor, which is readable while a message waits."""
        return self._socket.fileno()

    def receive(self) -> bytes | None:
        """Return the next message; None: there is none."""
        try:
            message = self._socket.recv(MAX_BYTES)
        except BlockingIOError:
            return None
        return None if self._ended else message

    def wait(self, timeout: float | None = None) -> int:
        """Wait for a message, ``timeout`` seconds at most, and drop all that have arrived then.

        Returns: their number.
        """
        self._poll.poll(None if timeout is None else timeout * 1000)
        count = 0
        while self.receive() is not None:
            count += 1
        return count

    def end(self) -> None:
        """End the wait of another thread; there are no messages from now on."""
        self._ended = True
        self._socket.shutdown(socket.SHUT_RD)

    def close(self) -> None:
        """Free the socket."""
        self._set_listening(False)
        self._socket.close()


class SiblingBus:
    """Sends messages to the other processes of one port. For any thread."""

    def __init__(self, siblings: Siblings) -> None:
        """Open the directory. Raises: OSError."""
        self._number = siblings.number
        self._count = len(siblings.numbers)
        self._directory = os.open(siblings.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._listeners = map_file(siblings.directory / _LISTENERS, len(Topic) * self._count)
        self._senders = [socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in siblings.numbers]
        for sender in self._senders:
            sender.setblocking(False)

    def listen(self, topic: Topic) -> Mailbox:
        """Return a mailbox for a topic; a process has one of each at a time."""
        place = topic * self._count + self._number

        def set_listening(listens: bool) -> None:
            self._listeners[place] = listens

        return Mailbox(self._name(topic, self._number), set_listening)

    def send(self, topic: Topic, message: bytes = b"") -> bool:
        """Send a message (``MAX_BYTES``) to the other processes that listen to its topic.

        Returns: whether no mailbox was full.
        """
        start = topic * self._count
        all_had_room = True
        for number, listens in enumerate(self._listeners[start : start + self._count]):
            if listens and number != self._number:
                try:
                    self._senders[number].sendto(message, self._name(topic, number))
                except BlockingIOError:
                    all_had_room = False
                except OSError:
                    pass  # rule 1
        return all_had_room

    def _name(self, topic: Topic, number: int) -> str:
        return f"/proc/self/fd/{self._directory}/{topic.name.lower()}.{number}"

    def close(self) -> None:
        """Free all resources. Nothing may be sent any more."""
        for sender in self._senders:
            sender.close()
        self._listeners.close()
        os.close(self._directory)


def forget_mailboxes(siblings: Siblings) -> None:
    """Send nothing more to a process of this number, which has died. Raises: OSError."""
    count = len(siblings.numbers)
    with map_file(siblings.directory / _LISTENERS, len(Topic) * count) as listeners:
        for topic in Topic:
            listeners[topic * count + siblings.number] = False
