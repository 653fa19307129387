"""How many cores and how much memory a process may use, by the kernel's files."""

import os
from pathlib import Path

import pytest

from tusd_py.machine_limits import usable_cores, usable_memory

MIB = 1 << 20
CORES = 8


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(CORES)))


def kernel_files(top: Path, own_groups: str, files: dict[str, str]) -> Path:
    """Write which groups the process has, and files of the groups."""
    (top / "proc/self").mkdir(parents=True)
    (top / "proc/self/cgroup").write_text(own_groups)
    for name, text in files.items():
        path = top / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return top


@pytest.mark.parametrize(
    ("quota", "cores"),
    [("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("max 100000", CORES),
     ("9999999 100000", CORES), ("", CORES), ("a quota", CORES)],
)  # fmt: skip
def test_a_container_has_the_cores_of_its_quota(tmp_path: Path, quota: str, cores: int) -> None:
    assert usable_cores(kernel_files(tmp_path, "0::/\n", {"cpu.max": f"{quota}\n"})) == cores


def test_the_smallest_quota_of_all_groups_above_holds(tmp_path: Path) -> None:
    files = {
        "system.slice/cpu.max": "300000 100000",
        "system.slice/tusd-py.service/cpu.max": "400000 100000",
    }
    assert usable_cores(kernel_files(tmp_path, "0::/system.slice/tusd-py.service\n", files)) == 3


@pytest.mark.parametrize("mount", ["cpu", "cpu,cpuacct"])
def test_version_1_has_a_hierarchy_for_each_controller(tmp_path: Path, mount: str) -> None:
    files = {
        f"{mount}/docker/cpu.cfs_quota_us": "250000\n",
        f"{mount}/docker/cpu.cfs_period_us": "100000\n",
        f"{mount}/cpu.cfs_quota_us": "-1\n",
        f"{mount}/cpu.cfs_period_us": "100000\n",
        "memory/docker/memory.limit_in_bytes": f"{64 * MIB}\n",
        "memory/memory.limit_in_bytes": f"{1 << 62}\n",
    }
    groups = "7:memory:/docker\n4:cpu,cpuacct:/docker\n1:name=systemd:/x:y\n0::/\n"
    top = kernel_files(tmp_path, groups, files)
    assert (usable_cores(top), usable_memory(top)) == (3, 64 * MIB)


def test_a_group_whose_path_is_that_outside_of_the_container_is_the_highest_one(
    tmp_path: Path,
) -> None:
    files = {"cpu.max": "100000 100000", "memory.max": str(32 * MIB)}
    for number, path in enumerate(("/docker/0123abc", "/../../other")):
        top = kernel_files(tmp_path / str(number), f"0::{path}\n", files)
        assert (usable_cores(top), usable_memory(top)) == (1, 32 * MIB)


def test_without_control_groups_the_machine_is_the_limit(tmp_path: Path) -> None:
    assert usable_cores(tmp_path) == CORES
    assert usable_memory(tmp_path) == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
