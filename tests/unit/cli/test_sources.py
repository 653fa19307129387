"""What the arguments of ``tusd-py upload`` name."""

import errno
import os
from pathlib import Path

import pytest

from tusd_py.cli.sources import STDIN, Source, sources_of


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.txt", "a.txt", "deep/c.mp4", "deep/.hidden", "other/d.mp4"):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "in" / "link.txt").symlink_to("/etc/hostname")
    (tmp_path / "in" / "loop").symlink_to(tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_folder_is_all_that_is_in_it_without_links(folder: Path) -> None:
    named = [(str(each.path), each.relative_path) for each in sources_of([Path("in")])]
    places = ["in/a.txt", "in/b.txt", "in/deep/.hidden", "in/deep/c.mp4", "in/other/d.mp4"]
    assert named == [(place, place) for place in places]
    inside = sources_of([folder / "in" / "deep" / ".."])
    assert [each.relative_path for each in inside] == places, "by the folder's own name"


def test_hidden_files_in_a_folder_are_marked_and_named_ones_are_not(folder: Path) -> None:
    for name in ("Thumbs.db", "DESKTOP.INI", "__MACOSX/a.txt", ".git/config", "deep/Thumbs.txt"):
        path = folder / "in" / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    hidden = {str(each.path) for each in sources_of([Path("in")]) if each.is_hidden}
    names = ("Thumbs.db", "DESKTOP.INI", "__MACOSX/a.txt", ".git/config", "deep/.hidden")
    assert hidden == {f"in/{name}" for name in names}
    named = [Path("in/deep"), Path("in/deep/.hidden"), Path("in/.git")]
    assert not [each for each in sources_of(named) if each.is_hidden]
    assert not [each for each in sources_of(named[::-1]) if each.is_hidden]


def test_a_place_is_in_slashes_and_composed_letters(tmp_path: Path) -> None:
    (tmp_path / "Bu\u0308cher").mkdir()
    (tmp_path / "Bu\u0308cher" / "e\u0301.txt").touch()
    (found,) = sources_of([tmp_path / "Bu\u0308cher"])
    assert found.relative_path == "B\u00fccher/\u00e9.txt"


def test_a_pattern_that_no_shell_has_resolved_is_resolved_here(folder: Path) -> None:
    found = [str(each.path) for each in sources_of([Path("in/**/*.mp4")])]
    assert found == ["in/deep/c.mp4", "in/other/d.mp4"]


def test_each_file_is_named_once_and_what_is_not_there_stays(folder: Path) -> None:
    named = [Path("in/b.txt"), Path("in/b.txt"), STDIN, Path("none"), Path("no*ne")]
    assert sources_of(named) == [
        Source(Path("in/b.txt")), Source(STDIN), Source(Path("none")), Source(Path("no*ne")),
    ]  # fmt: skip
    (folder / "empty").mkdir()
    assert sources_of([Path("empty")]) == []


def test_a_folder_that_can_not_be_read_is_a_trouble_of_its_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def denied(path: str) -> "os._ScandirIterator[str]":
        if str(path).endswith("deep"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", denied)
    found = {str(each.path): each.failure for each in sources_of([Path("in"), Path("in/a.txt")])}
    failure = found.pop("in/deep")
    assert isinstance(failure, PermissionError)
    assert found == {"in/a.txt": None, "in/b.txt": None, "in/other/d.mp4": None}


def test_what_has_no_length_is_a_stream(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    for name, is_stream in (("pipe", True), ("in/a.txt", False), ("none", False), ("-", True)):
        assert Source(Path(name)).is_stream is is_stream
    (too_long,) = sources_of([Path("n" * 300)])
    assert not too_long.is_stream
