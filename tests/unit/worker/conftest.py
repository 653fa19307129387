"""Provide a worker in the process of the test, with a directory of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.workers import WorkerInProcess


@pytest.fixture
def worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerInProcess]:
    with WorkerInProcess(tmp_path, monkeypatch) as worker:
        yield worker
