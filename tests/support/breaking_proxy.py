"""A TCP proxy that resets connections, as a bad network does."""

import socket
import struct
import threading
from contextlib import suppress


class BreakingProxy:
    """Listens on ``port`` and resets connections after numbers of bytes, one after the other.

    The bytes of a connection towards the server are counted or, with ``answers``, those towards the
    client. A connection that passes fewer bytes leaves the number to another one.
    """

    def __init__(self, target_port: int, *, cut_after: list[int], answers: bool = False) -> None:
        self._answers = answers
        self._target = target_port
        self._left = list(cut_after)
        self._lock = threading.Lock()
        self.cuts_made = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with (
            suppress(OSError),
            client,
            socket.create_connection(("127.0.0.1", self._target)) as server,
        ):
            returning = threading.Thread(
                target=self._pass, args=(server, client, self._answers), daemon=True
            )
            returning.start()
            self._pass(client, server, not self._answers)
            returning.join(30)

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        moved = 0
        with suppress(OSError):
            while data := source.recv(65536):
                moved += len(data)
                target.sendall(data)
                if counted and self._is_to_be_cut(moved):
                    for end in (source, target):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        if self._answers:
                            # The other thread waits in recv, which close alone would not end.
                            end.shutdown(socket.SHUT_RDWR)
                        end.close()
                    return
            target.shutdown(socket.SHUT_WR)

    def _is_to_be_cut(self, moved: int) -> bool:
        with self._lock:
            if not self._left or moved < self._left[0]:
                return False
            del self._left[0]
            self.cuts_made += 1
            return True

    def close(self) -> None:
        self._listener.close()
