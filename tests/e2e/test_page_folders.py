"""Folders at the page, in a real Chromium: sent with their tree, shown apart, downloaded as one zip."""

import os
import zipfile
from pathlib import Path

from support.page import visiting
from support.server import Server

TREE = {
    "in/a.txt": b"one", "in/2024/a.txt": b"two", "in/2024/A.txt": b"TWO", "in/2024/e\u0301.txt": b"",
}  # fmt: skip
HIDDEN = ("in/.DS_Store", "in/.git/config", "in/2024/Thumbs.db", "in/__MACOSX/a.txt")


def put(folder: Path) -> None:
    for place in (*TREE, *HIDDEN):
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(TREE.get(place, b"x"))
        # Some copies give all files one time.
        os.utime(path, (1_000_000_000, 1_000_000_000))


def files_of(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_folder_is_sent_with_its_tree_and_downloaded_as_a_zip(
    server: Server, tmp_path: Path
) -> None:
    put(tmp_path)
    dropped = tmp_path / "dropped"
    dropped.mkdir()
    (dropped / "b.txt").write_bytes(b"dropped")
    folder, all_of_it = tmp_path / "folder.zip", tmp_path / "all.zip"
    with visiting(
        f"{server.url}/",
        ["choose", ".uppy-Dashboard-input >> nth=1", str(tmp_path / "in")],
        ["text", "#left-out", "4 hidden files were left out."], ["until", "completed", 4],
        ["press", "#tasks .folder:text-is('in/2024') >> nth=0"], ["rows", 3],
        ["named", "checkbox", "Select all"], ["text", "#zip-picked", "Download 3 as zip"], ["accessible"],
        ["fetched", "button", "Download as zip", str(folder)],
        ["offline", True], ["named", "button", "Delete folder"],
        ["text", "#folder", "It could not be deleted."], ["offline", False],
        ["named", "button", "Delete folder"], ["text", "#undo", "3 files will be deleted in 10 seconds."],
        ["named", "button", "Undo"],
        ["named", "button", "Show the folder in"], ["rows", 4],
        ["named", "button", "All files"], ["reload"], ["rows", 4],
        ["drop", str(dropped)], ["until", "completed", 5],
        ["named", "checkbox", "Select all"],
        ["fetched", "button", "Download 5 as zip", str(all_of_it)],
        ["press", "#tasks .folder:text-is('in/2024') >> nth=0"], ["rows", 3],
        ["named", "button", "Delete folder"], ["ahead", 11], ["rows", 0], ["text", "#none", "Nothing found."],
        ["named", "button", "All files"], ["rows", 2],
        clock=True,
    ) as visit:  # fmt: skip
        seen = visit.seen()
    composed = {place.replace("e\u0301", "\u00e9"): content for place, content in TREE.items()}
    in_2024 = {place: content for place, content in composed.items() if "2024" in place}
    # On some systems a.txt and A.txt are one.
    assert files_of(folder) == {
        ("in/2024/a (1).txt" if place.endswith("/a.txt") else place): content
        for place, content in in_2024.items()
    }
    assert len(files_of(all_of_it)) == 5
    assert files_of(all_of_it)["dropped/b.txt"] == b"dropped"
    assert [step["fetched"] for step in seen if "fetched" in step] == ["2024.zip", "files.zip"]
    assert [step["violations"] for step in seen if "violations" in step] == [[]]
    (rows,) = [
        step["rows"] for step in seen if step.get("did") == "until" and len(step["rows"]) == 4
    ]
    assert sorted((row["folder"], row["name"]) for row in rows) == [
        ("in", "a.txt"), ("in/2024", "A.txt"), ("in/2024", "a.txt"), ("in/2024", "e\u0301.txt"),
    ]  # fmt: skip
