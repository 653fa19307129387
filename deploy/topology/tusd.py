"""Runs ``tusd-py serve`` and ``tusd-py worker`` with a file of settings."""

import http.client
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from topology.program import Program

_COMMAND: Final = str(Path(sys.executable).with_name("tusd-py"))
_TUSD_VARIABLES: Final = ("TUSD_", "PYTHONPATH")


def server(directory: Path, config: Path, port: int) -> Program:
    """Return a server on loopback, behind a proxy, that runs no jobs."""

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
    """Return a worker that answers health checks on loopback."""
    return Program(
        command=(_COMMAND, "worker", "--config", str(config), "--listen", f"127.0.0.1:{port}"),
        directory=directory,
        environment=_environment(),
        ready=lambda _pid, output: "tusd-py worker: " in output and answers(port, "/readyz"),
    )


def answers(port: int, path: str) -> bool:
    """Return whether a GET of a path on loopback is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _environment() -> Mapping[str, str]:
    """Return the environment without settings of a shell, which would override the file."""
    return {
        name: value for name, value in os.environ.items() if not name.startswith(_TUSD_VARIABLES)
    }
