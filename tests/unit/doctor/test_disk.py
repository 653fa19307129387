"""Tests what the facts of a disk mean."""

import errno
from dataclasses import replace
from typing import Any

import pytest
from support.findings import NOTE, PROBLEM, WARNING, Levels, levels

from tusd_py.doctor.disk import judge_disk
from tusd_py.doctor.disk_facts import DiskFacts
from tusd_py.settings.values import GIB

SOUND = DiskFacts(
    exists=True, free=100 * GIB, free_inodes=1_000_000, kind=0xEF53, syncs=True, links=True,
    excludes=True, links_to_objects=True,
)  # fmt: skip
NFS, SMB, TMPFS = 0x6969, 0xFF534D42, 0x01021994


@pytest.mark.parametrize(
    ("changed", "shared", "sqlite", "expected"),
    [
        ({}, False, True, {}),
        ({"exists": False, "links_to_objects": None}, True, False, {}),
        ({"is_directory": False}, False, True, {"disk.directory": PROBLEM}),
        ({"refusal": errno.EROFS}, False, True, {"disk.directory": PROBLEM}),
        ({"refusal": errno.EACCES}, False, True, {"disk.directory": PROBLEM}),
        ({"refusal": errno.ENOSPC, "free": 0}, False, True,
         {"disk.directory": PROBLEM, "disk.space": PROBLEM}),
        ({"free": 21 * GIB}, False, True, {}),
        ({"free": 20 * GIB}, False, True, {"disk.space": WARNING}),
        ({"free": 9 * GIB}, False, True, {"disk.space": PROBLEM}),
        ({"free_inodes": None}, False, True, {}),
        ({"free_inodes": 10_000}, False, True, {"disk.inodes": WARNING}),
        ({"free_inodes": 100}, False, True, {"disk.inodes": PROBLEM}),
        ({"kind": TMPFS}, False, True, {"disk.kind": WARNING}),
        ({"kind": 0x794C7630}, True, False, {"disk.kind": WARNING}),
        ({"kind": NFS}, True, False, {"disk.kind": NOTE}),
        ({"kind": NFS}, False, True, {"disk.kind": PROBLEM}),
        ({"kind": SMB}, True, False, {"disk.kind": WARNING}),
        ({"kind": SMB}, False, False, {"disk.kind": NOTE}),
        ({"kind": 0x00C36400}, True, False, {}),
        ({"kind": 0x12345}, True, False, {}),
        ({"kind": None}, True, False, {}),
        ({"syncs": False}, False, True, {"disk.sync": PROBLEM}),
        ({"excludes": False}, True, False, {"disk.locks": PROBLEM}),
        ({"excludes": None}, True, False, {"disk.locks": PROBLEM}),
        ({"excludes": False}, False, True, {"disk.locks": NOTE}),
        ({"links": False}, False, True, {"disk.links": NOTE}),
        ({"links_to_objects": False}, False, True, {"disk.links": NOTE}),
    ],
    ids=str,
)  # fmt: skip
def test_disk(changed: dict[str, Any], shared: bool, sqlite: bool, expected: Levels) -> None:
    facts = replace(SOUND, **changed)
    findings = judge_disk(facts, max_size=10 * GIB, shared=shared, sqlite=sqlite)
    assert levels(findings) == expected
