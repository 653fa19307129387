"""A TCP proxy that resets connections, as a bad network does."""

import socket
import struct
import threading
from contextlib import suppress


class BreakingProxy:
    """Listens on ``port`` and cuts each connection after so many bytes towards the server."""

    def __init__(self, target_port: int, *, cut_after: list[int]) -> None:
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
        with suppress(OSError):
            server = socket.create_connection(("127.0.0.1", self._target))
            threading.Thread(target=self._back, args=(server, client), daemon=True).start()
            moved = 0
            while data := client.recv(65536):
                moved += len(data)
                server.sendall(data)
                if limit is not None and moved >= limit:
                    self.cuts_made += 1
                    for end in (client, server):
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        end.close()
                    return
            server.shutdown(socket.SHUT_WR)

    @staticmethod
    def _back(server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()
