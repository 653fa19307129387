"""Fixtures: a disk store in a directory of its own."""

from pathlib import Path

import pytest
from support.ids import fresh_id

from tusd_py.domain.ids import UploadId
from tusd_py.storage.disk import DiskStore


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "uploads"


@pytest.fixture
def store(root: Path) -> DiskStore:
    return DiskStore(root, durability="finish")


@pytest.fixture
def upload_id(store: DiskStore) -> UploadId:
    """Create an empty upload and return its id."""
    fresh = fresh_id()
    store.create(fresh)
    return fresh
