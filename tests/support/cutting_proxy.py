"""A TCP proxy that drops a connection at a word of the client's, before or after passing it on."""

import socket
import threading
from contextlib import suppress


class CuttingProxy:
    """Cuts the first connection that sends ``word``, while it is set; the next ones pass."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._word: bytes | None = None
        self._pass_on = False
        self.cut = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_at(self, word: bytes, *, pass_on: bool) -> None:
        """Cut the next connection that sends ``word``.

        With ``pass_on`` the server still gets the word, and has answered before the cut.
        """
        self._pass_on = pass_on
        self.cut.clear()
        self._word = word

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(("127.0.0.1", self._target))
        deaf = threading.Event()
        back = threading.Thread(target=self._back, args=(server, client, deaf), daemon=True)
        back.start()
        with client, server, suppress(OSError):
            self._forth(client, server, deaf, back)
        back.join(10)

    def _forth(
        self,
        client: socket.socket,
        server: socket.socket,
        deaf: threading.Event,
        back: threading.Thread,
    ) -> None:
        try:
            while data := client.recv(65536):
                if self._word is not None and self._word in data:
                    self._word = None
                    if self._pass_on:
                        deaf.set()
                        server.sendall(data)
                        back.join(10)
                    self.cut.set()
                    return
                server.sendall(data)
        finally:
            for end in (server, client):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def _back(server: socket.socket, client: socket.socket, deaf: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if deaf.is_set():
                    return
                client.sendall(data)
            client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
