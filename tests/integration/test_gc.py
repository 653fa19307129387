"""``tusd-py gc``, as an operator runs it with an object store."""

import subprocess
import sys
from pathlib import Path

from support.server import running_server
from support.tus import upload
from support.waiting import wait_until


def gc(data_dir: Path, *flags: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tusd_py", "gc", "--data-dir", str(data_dir), *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_another_catalogs_objects_are_left_alone_until_they_are_adopted(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with running_server(data_dir, "--workers", "1") as server:
        server.wait_for_status(upload(server, b"kept"), "completed")
        owner = data_dir / "objects" / "tusd-py-catalog"
        wait_until(owner.exists)
    ours = owner.read_text()
    owner.write_text("another")
    for flags in ([], ["--dry-run"]):
        ran = gc(data_dir, *flags)
        assert ran.returncode == 0, ran.stderr
        assert "another catalog: none of its objects are removed" in ran.stdout
    assert owner.read_text() == "another"
    both = gc(data_dir, "--adopt-objects", "--dry-run")
    assert both.returncode == 2
    assert owner.read_text() == "another"
    adopted = gc(data_dir, "--adopt-objects")
    assert adopted.stdout == "0 removed\n"
    assert owner.read_text() == ours
