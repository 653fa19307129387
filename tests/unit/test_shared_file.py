"""Files that processes share: what a new set of processes finds of an earlier one."""

import socket
from pathlib import Path

from tusd_py.shared_file import forget_contents, map_file


def test_files_are_empty_for_new_processes_and_keep_their_blocks(tmp_path: Path) -> None:
    size = 200_000
    with map_file(tmp_path / "counts", size) as memory:
        memory[:] = b"x" * size
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "jobs.0"))
    blocks = (tmp_path / "counts").stat().st_blocks
    forget_contents(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["counts"]
    assert (tmp_path / "counts").stat().st_blocks == blocks
    with map_file(tmp_path / "counts", size) as memory:
        assert memory[:] == bytes(size)
