"""``tusd-py serve`` and ``tusd-py worker``, with one file of settings for all."""

import http.client
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from topology.program import Program

_COMMAND: Final = str(Path(sys.executable).with_name("tusd-py"))
_OURS: Final = ("TUSD_", "PYTHONPATH")


def server(directory: Path, config: Path, port: int) -> Program:
    """A server on loopback, behind a proxy, without a pipeline of its own."""

    def ready(_pid: int, output: str) -> bool:
        return "upload to " in output and answers(port, "/readyz")

    return Program(
        command=(
            _COMMAND, "serve", "--config", str(config), "--workers", "0",
            "--host", "127.0.0.1", "--port", str(port), "--behind-proxy",
        ),
        directory=directory,
        environment=_environment(),
        ready=ready,
    )  # fmt: skip


def worker(directory: Path, config: Path, port: int) -> Program:
    """A worker that tells how it is on loopback."""
    return Program(
        command=(_COMMAND, "worker", "--config", str(config), "--listen", f"127.0.0.1:{port}"),
        directory=directory,
        environment=_environment(),
        ready=lambda _pid, output: "tusd-py worker: " in output and answers(port, "/readyz"),
    )


def answers(port: int, path: str) -> bool:
    """Whether GET of a path on loopback is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _environment() -> Mapping[str, str]:
    """What a shell sets for other servers of ours would win over the file."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
