"""Tests which incomplete uploads of a file are found again."""

import os
import stat
from pathlib import Path

import pytest

from tusd_py.client.resume_store import FileVersion, ResumeStore, SavedUpload

ENDPOINT = "https://a.example/files/"
BEGUN = SavedUpload(ENDPOINT + "1", "token")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path


@pytest.fixture
def store(tmp_path: Path) -> ResumeStore:
    return ResumeStore(tmp_path / "state")


def test_an_upload_is_kept_until_it_is_forgotten(file: Path, store: ResumeStore) -> None:
    assert store.get(file, FileVersion.of(file), ENDPOINT) is None
    store.put(file, FileVersion.of(file), ENDPOINT, BEGUN)
    assert store.get(file, FileVersion.of(file), ENDPOINT) == BEGUN
    assert store.get(file, FileVersion.of(file), "https://b.example/files/") is None
    for _ in range(2):
        store.forget(file, FileVersion.of(file), ENDPOINT)
        assert store.get(file, FileVersion.of(file), ENDPOINT) is None


def test_a_file_that_changed_is_another_upload(file: Path, store: ResumeStore) -> None:
    store.put(file, FileVersion.of(file), ENDPOINT, BEGUN)
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert store.get(file, FileVersion.of(file), ENDPOINT) is None
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert store.get(file, FileVersion.of(file), ENDPOINT) == BEGUN


def test_a_token_is_its_owners_alone(file: Path, store: ResumeStore, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store.put(file, FileVersion.of(file), ENDPOINT, BEGUN)
    finally:
        os.umask(before)
    (kept,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", None),
        (b"[]", None),
        (b"7", None),
        (b"{}", None),
        (b"\xff", None),
        (b'{"url": 7}', None),
        (b'{"url": "x"}', SavedUpload("x")),
        (b'{"url": "x", "token": 7}', SavedUpload("x")),
    ],
)
def test_a_damaged_file_is_no_upload(
    file: Path, store: ResumeStore, tmp_path: Path, text: bytes, found: SavedUpload | None
) -> None:
    store.put(file, FileVersion.of(file), ENDPOINT, BEGUN)
    (kept,) = (tmp_path / "state").iterdir()
    kept.write_bytes(text)
    assert store.get(file, FileVersion.of(file), ENDPOINT) == found


def test_a_token_is_sent_if_there_is_one() -> None:
    assert BEGUN.headers == {"Upload-Token": "token"}
    assert SavedUpload("x").headers == {}
