"""A request that stops in the middle and stays connected, as a client in a tunnel does."""

import socket
from urllib.parse import urlsplit

from support.tus import BODY


class SilentPatch:
    """A PATCH whose body comes as the test sends it; its connection stays open meanwhile.

    ``at`` is the offset, ``announced`` the number of bytes of the body by Content-Length, ``sent``
    the bytes that go at once.
    """

    def __init__(self, url: str, at: int, announced: int, sent: bytes = b"") -> None:
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 0), 30)
        fields = {
            **BODY,
            "Host": parts.netloc,
            "Upload-Offset": str(at),
            "Content-Length": str(announced),
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._socket.sendall(f"PATCH {parts.path} HTTP/1.1\r\n{lines}\r\n".encode() + sent)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def answer(self) -> bytes:
        """Return the beginning of the server's answer."""
        self._socket.settimeout(30)
        return self._socket.recv(65536)

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> "SilentPatch":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
