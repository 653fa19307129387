"""Run the endpoint as a separate process that can be killed, with the control path as methods."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import httpx
from support.oss.calls import Call
from support.oss.server import ACCESS_KEY, BUCKET, SECRET
from support.services import Service

_PYTHON_PATH: Final = Path(__file__).parents[2]


class OssProcess(Service):
    """Runs ``python -m support.oss``.

    ``start`` after ``kill`` finds all data again, on the same port.
    """

    def __init__(self, *flags: str) -> None:
        super().__init__("oss")
        self.url = f"http://127.0.0.1:{self.port}"
        self._flags = flags

    def command(self) -> Sequence[str]:
        return (
            sys.executable, "-m", "support.oss", "--port", str(self.port),
            "--directory", str(self.directory / "stored"),
            "--access-key", ACCESS_KEY, "--secret", SECRET, "--bucket", BUCKET, *self._flags,
        )  # fmt: skip

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "PYTHONPATH": str(_PYTHON_PATH)}

    def launch(self) -> None:
        self.log.write_bytes(b"")
        super().launch()

    def ready(self) -> bool:
        return f"listening on {self.url}\n" in self.log.read_text()

    def add_faults(self, *rules: Mapping[str, Any]) -> None:
        """Put rules in force: fields of ``faults.MatchRule``."""
        httpx.post(f"{self.url}/-/faults", json=rules).raise_for_status()

    def faults(self) -> list[dict[str, Any]]:
        """Return the rules, each with ``struck``, the number of its faults."""
        described: list[dict[str, Any]] = (
            httpx.get(f"{self.url}/-/faults").raise_for_status().json()
        )
        return described

    def clear_faults(self) -> None:
        """Drop the rules and release all requests that they hold."""
        httpx.delete(f"{self.url}/-/faults").raise_for_status()

    def calls(self, operation: str | None = None) -> list[Call]:
        """Return the requests so far, or those of one operation."""
        described = httpx.get(f"{self.url}/-/calls").raise_for_status().json()
        calls = [Call(**fields) for fields in described]
        return [call for call in calls if operation in {None, call.operation}]

    def clear_calls(self) -> None:
        """Drop the list of requests."""
        httpx.delete(f"{self.url}/-/calls").raise_for_status()

    def age(self, seconds: float) -> None:
        """Make everything that is stored look older by this number of seconds."""
        httpx.post(f"{self.url}/-/age", json={"seconds": seconds}).raise_for_status()
