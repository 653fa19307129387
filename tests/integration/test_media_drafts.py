"""What a program in a sandbox leaves is taken only if it is one plain file of its own."""

import os
from pathlib import Path

import pytest
from support.media import video
from support.required import needs_root
from support.server import running_server
from support.tus import upload
from support.waiting import wait_until

from tusd_py.worker.media.draft import NotOnePlainFile, take_draft


def _leaves(kind: str, folder: Path, other: Path) -> None:
    draft = folder / "draft"
    match kind:
        case "symbolic link":
            draft.symlink_to(other)
        case "hard link":
            draft.hardlink_to(other)
        case "FIFO":
            os.mkfifo(draft)
        case "folder":
            draft.mkdir()
        case "device":
            os.mknod(draft, 0o20666, os.makedev(1, 5))
        case "empty":
            draft.touch()
        case "too large":
            draft.write_bytes(b"x" * 101)
        case "another entry":
            draft.write_bytes(b"x")
            (folder / "more").touch()
        case "another name":
            (folder / "more").write_bytes(b"x")


@pytest.mark.parametrize(
    "kind",
    [
        "symbolic link", "hard link", "FIFO", "folder", "empty", "too large", "another entry",
        "another name", "nothing",
        pytest.param("device", marks=needs_root("it makes a device")),
    ],
)  # fmt: skip
def test_what_a_box_leaves_is_one_plain_file_or_nothing(tmp_path: Path, kind: str) -> None:
    folder, other, target = tmp_path / "out", tmp_path / "other", tmp_path / "target"
    folder.mkdir()
    other.write_bytes(b"another user's")
    _leaves(kind, folder, other)
    with pytest.raises(NotOnePlainFile):
        take_draft(folder, "draft", target, largest=100)
    assert not os.path.lexists(target)
    assert other.read_bytes() == b"another user's"


def test_a_plain_file_is_taken_out_of_the_boxs_reach(tmp_path: Path) -> None:
    folder, target = tmp_path / "out", tmp_path / "target"
    folder.mkdir()
    (folder / "draft").write_bytes(b"video")
    assert take_draft(folder, "draft", target, largest=5) == 5
    assert target.read_bytes() == b"video"
    assert list(folder.iterdir()) == []


LINKING = """#!/bin/sh
[ "$1" = -version ] && exec echo ffmpeg version 0
for last; do :; done
ln -s {victim} "${{last#file:}}"
"""


def test_a_link_to_anothers_film_is_not_published(tmp_path: Path) -> None:
    """This runs without any sandbox, where the link can be made."""
    victim = video(tmp_path / "victim.mp4", crf=30)
    taken_over = tmp_path / "ffmpeg"
    taken_over.write_text(LINKING.format(victim=victim))
    taken_over.chmod(0o755)
    env = {"TUSD_MEDIA__SANDBOX": "off", "TUSD_MEDIA__FFMPEG": str(taken_over)}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        source = video(tmp_path / "clip.mp4")
        task = upload(server, source)
        done = server.wait_for_status(task, "completed", "failed")
        assert "保留原文件" in str(done["message"]), done
        (stored,) = (server.data_dir / "objects" / "pool").rglob("*.mp4")
        assert stored.read_bytes() == source.read_bytes()
        wait_until(lambda: not list((server.data_dir / "work").iterdir()))
