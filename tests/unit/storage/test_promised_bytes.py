"""Bytes that writers of several processes have reserved count together."""

import os
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest
from support.siblings import siblings_in

from tusd_py.domain.errors import StorageFull
from tusd_py.storage.disk_space import DiskSpace, Reservation
from tusd_py.storage.promised_bytes import LocalPromisedBytes, SiblingPromisedBytes

GIB = 1 << 30


def test_one_process_counts_its_own() -> None:
    promised = LocalPromisedBytes()
    promised.add(5)
    promised.add(-2)
    assert promised.total() == 3


def test_processes_count_together_until_one_is_forgotten(tmp_path: Path) -> None:
    first, second = (SiblingPromisedBytes(siblings_in(tmp_path, number)) for number in range(2))
    with closing(first), closing(second):
        first.add(1 << 40)
        second.add(7)
        assert first.total() == second.total() == (1 << 40) + 7
        with closing(SiblingPromisedBytes(siblings_in(tmp_path, 0))) as dead:
            dead.forget()
        assert second.total() == 7


def test_a_number_is_whole_while_its_process_changes_it(tmp_path: Path) -> None:
    """Another process that saw a part of it would promise the same space."""
    counts = f"""
        from pathlib import Path
        from support.siblings import siblings_in
        from tusd_py.storage.promised_bytes import SiblingPromisedBytes
        own = SiblingPromisedBytes(siblings_in(Path({str(tmp_path)!r}), 0))
        own.add(-1)
        print(flush=True)
        while True:
            own.add(0)
    """
    with (
        closing(SiblingPromisedBytes(siblings_in(tmp_path, 1))) as here,
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(counts)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as there,
    ):
        assert there.stdout is not None
        there.stdout.readline()
        seen = {here.total() for _ in range(200_000)}
        there.kill()
    assert seen == {-1}


def test_what_one_process_reserves_is_no_room_for_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts = list(os.statvfs(tmp_path))
    facts[1] = 4096
    facts[4] = 2 * GIB // 4096
    monkeypatch.setattr(os, "statvfs", lambda _path: os.statvfs_result(facts))
    places = [SiblingPromisedBytes(siblings_in(tmp_path, number)) for number in range(2)]
    first, second = (DiskSpace(tmp_path, reserve=GIB, promised=place) for place in places)
    with (tmp_path / "file").open("wb") as file:
        one, other = (
            Reservation(space, file.fileno(), 0, length=None) for space in (first, second)
        )
        assert one.cover(0, GIB - 4096) == GIB - 4096
        assert other.cover(0, GIB) == 4096
        with pytest.raises(StorageFull):
            second.check(1)
        one.written(GIB - 4096)
        assert other.cover(4096, GIB) == GIB
    for place in places:
        place.close()
