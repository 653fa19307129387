from collections.abc import Iterator
from pathlib import Path

import pytest
from support.harness import Harness


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Harness]:
    made = Harness(tmp_path)
    yield made
    made.close()
