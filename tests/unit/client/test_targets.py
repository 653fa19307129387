"""Tests that a download appears when it is complete, and replaces nothing by itself."""

import io
from pathlib import Path

import pytest

from tusd_py.client.errors import Refused
from tusd_py.client.targets import FileTarget, StreamTarget


def written(path: Path, content: bytes, *, overwrite: bool = False) -> FileTarget:
    target = FileTarget(path, overwrite=overwrite)
    target.open("server.bin")
    target.write(content)
    return target


@pytest.fixture(params=[True, False], ids=["links", "no links"])
def _links(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test on a file system with hard links, and on one without."""
    if not request.param:

        def refuse(_path: Path, _target: Path) -> None:
            raise PermissionError

        monkeypatch.setattr(Path, "hardlink_to", refuse)


@pytest.mark.usefixtures("_links")
def test_a_file_appears_at_the_end(tmp_path: Path) -> None:
    target = written(tmp_path, b"content")
    assert not (tmp_path / "server.bin").exists()
    assert target.finish() == tmp_path / "server.bin"
    target.abandon()
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        ("server.bin", b"content")
    ]


@pytest.mark.usefixtures("_links")
def test_a_name_of_the_server_gets_a_number(tmp_path: Path) -> None:
    (tmp_path / "server.bin").write_bytes(b"mine")
    (tmp_path / "server (1).bin").mkdir()
    (tmp_path / "server (2).bin").symlink_to("nowhere")
    assert written(tmp_path, b"x", overwrite=True).finish() == tmp_path / "server (3).bin"
    assert (tmp_path / "server.bin").read_bytes() == b"mine"


@pytest.mark.usefixtures("_links")
def test_a_file_that_came_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    target = written(path, b"theirs")
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        target.finish()
    target.abandon()
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


def test_only_files_are_replaced_on_request(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        FileTarget(path, overwrite=False)
    assert written(path, b"theirs", overwrite=True).finish() == path
    assert path.read_bytes() == b"theirs"


def test_a_download_that_begins_again_keeps_no_byte(tmp_path: Path) -> None:
    target = written(tmp_path, b"a longer content")
    target.truncate()
    target.open("other.bin")
    target.write(b"short")
    assert target.finish() == tmp_path / "other.bin"
    assert (tmp_path / "other.bin").read_bytes() == b"short"


def test_a_download_that_is_abandoned_leaves_nothing(tmp_path: Path) -> None:
    FileTarget(tmp_path, overwrite=False).abandon()
    written(tmp_path, b"x").abandon()
    assert list(tmp_path.iterdir()) == []


def test_a_stream_can_not_begin_again() -> None:
    stream = io.BytesIO()
    target = StreamTarget(stream)
    target.open("x")
    target.write(b"abc")
    with pytest.raises(Refused):
        target.truncate()
    assert stream.getvalue() == b"abc"
