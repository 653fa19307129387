"""Who may read what a server leaves on the disk, when it is started with a umask of 0."""

import sys
from pathlib import Path

import pytest
from support.files import files_in
from support.server import running_server
from support.tus import create, upload
from support.waiting import wait_until

OPEN_UMASK = ("/bin/sh", "-c", 'umask 0; exec "$@"', "sh", sys.executable, "-m", "tusd_py")


@pytest.mark.parametrize("mode", [0o777])
def test_only_its_owner_reads_what_a_server_keeps(tmp_path: Path, mode: int) -> None:
    root = tmp_path / "data"
    root.mkdir()
    root.chmod(mode)
    with running_server(root, "--workers", "1", program=OPEN_UMASK) as server:
        create(server, 10, filename="unfinished.bin")
        task = upload(server, b"content")
        server.wait_for_status(task, "completed")
        # The source is what the worker removes last.
        source = server.file_of(f"{server.files}{task}")
        wait_until(lambda: not list((root / "work").iterdir()) and not source.exists())
        open_files = [
            f"{path.relative_to(root)} {path.lstat().st_mode & 0o7777:o}"
            for path in root.rglob("*")
            if not path.is_symlink() and path.lstat().st_mode & 0o077
        ]
        kinds = {path.suffix or path.name for path in files_in(root)}
    assert open_files == []
    assert {".sqlite3", ".sqlite3-wal", ".sqlite3-shm", ".lock"} <= kinds
