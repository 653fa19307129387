"""Run a real clamd with a database of one line, and a content that this line matches."""

import hashlib
import socket
from collections.abc import Sequence
from pathlib import Path

from support.services import Service

# The text is in two halves, so that no scanner finds this file.
EICAR = (r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()
MAX_BYTES = 1 << 20
"""clamd's StreamMaxLength."""


class ClamdServer(Service):
    """clamd on loopback, run by the user who runs the tests."""

    def __init__(self) -> None:
        super().__init__("clamd")
        database = self.directory / "database"
        database.mkdir()
        line = f"{hashlib.md5(EICAR).hexdigest()}:{len(EICAR)}:Eicar-Test-Signature\n"
        (database / "tests.hdb").write_text(line)
        settings = {
            "DatabaseDirectory": database,
            "TCPAddr": "127.0.0.1",
            "TCPSocket": self.port,
            "LocalSocket": self.directory / "clamd.socket",
            "Foreground": "yes",
            "StreamMaxLength": MAX_BYTES,
            "MaxThreads": 4,
            "PidFile": self.directory / "clamd.pid",
        }
        text = "".join(f"{name} {value}\n" for name, value in settings.items())
        (self.directory / "clamd.conf").write_text(text)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def connections(self) -> int:
        """Return the established connections of others to its port, accepted by it or not."""
        found = 0
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            _, _, remote, state, *_ = line.split()
            found += state == "01" and int(remote.rpartition(":")[2], 16) == self.port
        return found

    def command(self) -> Sequence[str]:
        return ("clamd", "--config-file", str(self.directory / "clamd.conf"))

    def ready(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), 0.5) as connection:
            connection.sendall(b"zPING\0")
            return connection.recv(16) == b"PONG\0"
