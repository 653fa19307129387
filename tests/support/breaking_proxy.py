"""A TCP proxy that resets connections, as a bad network does."""

import socket
import struct
import threading
from contextlib import suppress


class BreakingProxy:
    """Listens on ``port`` and resets each connection after a number of bytes.

    The bytes towards the server are counted or, with ``answers``, those towards the client.
    """

    def __init__(self, target_port: int, *, cut_after: list[int], answers: bool = False) -> None:
        self._answers = answers
        self._target = target_port
        self._cuts = iter(cut_after)
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
        limit = next(self._cuts, None)
        there, back = (None, limit) if self._answers else (limit, None)
        with (
            suppress(OSError),
            client,
            socket.create_connection(("127.0.0.1", self._target)) as server,
        ):
            returning = threading.Thread(
                target=self._pass, args=(server, client, back), daemon=True
            )
            returning.start()
            self._pass(client, server, there)
            returning.join(30)

    def _pass(self, source: socket.socket, target: socket.socket, limit: int | None) -> None:
        moved = 0
        with suppress(OSError):
            while data := source.recv(65536):
                moved += len(data)
                target.sendall(data)
                if limit is not None and moved >= limit:
                    self.cuts_made += 1
                    for end in (source, target):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        if self._answers:
                            # The other thread waits in recv, which close alone would not end.
                            end.shutdown(socket.SHUT_RDWR)
                        end.close()
                    return
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()
