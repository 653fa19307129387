"""Modes of everything below the data directory, in a process whose umask allows anything."""

import errno
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import blake3
import pytest
from support.multipart_state import MemoryMultipartState
from support.uploads import stored_file

from tusd_py.domain.ids import UploadId
from tusd_py.objects.keys import object_key
from tusd_py.private_files import make_private_directory, write_private, write_private_once
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_ports


@pytest.fixture(autouse=True)
def _umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root)} {stat.S_IMODE(path.lstat().st_mode):o}"
        for path in root.rglob("*")
        if not path.is_symlink() and path.lstat().st_mode & 0o077
    ]


@pytest.mark.parametrize("mode", [None, 0o755, 0o777])
def test_an_applications_umask_opens_nothing(tmp_path: Path, mode: int | None) -> None:
    root = tmp_path / "some" / "data"
    if mode is not None:
        # As an older version left it.
        root.mkdir(parents=True)
        root.chmod(mode)
        (root / "uploads").mkdir(mode=0o755)
        (root / "catalog.sqlite3").touch(0o644)
    ports = open_ports(Settings(data_dir=root))
    try:
        upload_id = UploadId("ab" * 16)
        writer = ports.stores.uploads.begin(upload_id, length=None)
        writer.write([b"content"])
        writer.close()
        source = stored_file(ports, upload_id)
        other = tmp_path / "made-by-a-tool"
        other.write_bytes(b"content")
        digest = blake3.blake3(b"content").hexdigest()
        for suffix, path in ((".src", source), (".made", other)):
            ports.objects.put_file(
                object_key(digest, suffix),
                path,
                content_hash=digest,
                content_type="text/plain",
                multipart_state=MemoryMultipartState(),
            )
        ports.objects.set_owner("me")
        assert open_to_others(root) == []
        assert stat.S_IMODE(root.stat().st_mode) == (mode or 0o700)
        if mode is None:
            assert stat.S_IMODE(root.parent.stat().st_mode) == 0o700
    finally:
        ports.close()


def test_a_private_file_replaces_a_link_and_not_what_it_points_to(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_text("theirs")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_private(link, b"ours")
    assert target.read_text() == "theirs"
    assert link.read_bytes() == b"ours"
    assert stat.S_IMODE(link.lstat().st_mode) == 0o600
    make_private_directory(tmp_path / "a" / "b")
    assert open_to_others(tmp_path / "a") == []


def test_threads_that_write_once_all_find_the_same_content(tmp_path: Path) -> None:
    place = tmp_path / "secret"

    def write(number: int) -> bytes:
        write_private_once(place, bytes([number]) * 32)
        return place.read_bytes()

    with ThreadPoolExecutor(16) as pool:
        found = set(pool.map(write, range(64)))
    assert len(found) == 1
    assert open_to_others(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_file_is_written_once_where_files_have_no_second_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shared folders of virtual machines and sticks (exFAT) have no hard links."""

    def no_link(*_: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_link)
    place = tmp_path / "secret"
    for content in (b"first", b"second"):
        write_private_once(place, content)
        assert place.read_bytes() == b"first"
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
