"""The endpoint as a process of its own, which can be killed, and the control path as methods."""

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
    """``python -m support.oss``; ``start`` again after ``kill`` finds everything, on the same port."""

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
        """The rules, each with ``struck``: how often."""
        told: list[dict[str, Any]] = httpx.get(f"{self.url}/-/faults").raise_for_status().json()
        return told

    def clear_faults(self) -> None:
        """Drop the rules and release whoever they hold."""
        httpx.delete(f"{self.url}/-/faults").raise_for_status()

    def calls(self, operation: str | None = None) -> list[Call]:
        """The requests so far, or those of one operation."""
        told = httpx.get(f"{self.url}/-/calls").raise_for_status().json()
        calls = [Call(**fields) for fields in told]
        return [call for call in calls if operation in {None, call.operation}]

    def clear_calls(self) -> None:
        """Forget them."""
        httpx.delete(f"{self.url}/-/calls").raise_for_status()

    def age(self, seconds: float) -> None:
        """Make everything stored look so much older."""
        httpx.post(f"{self.url}/-/age", json={"seconds": seconds}).raise_for_status()
