"""Fixture: uploads in the process of the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.uploads import UploadsInProcess


@pytest.fixture
def client(tmp_path: Path) -> Iterator[UploadsInProcess]:
    with UploadsInProcess(tmp_path) as client:
        yield client
