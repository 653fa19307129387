"""Finds how many cores and how much memory this process may use.

A container, or a service with ``CPUQuota`` or ``MemoryMax`` of systemd, has less than the machine:
the kernel's control groups say it, in version 1 or 2. The limits of the groups above that of the
process hold too.

Source: Linux, Documentation/admin-guide/cgroup-v2.rst (cpu.max, memory.max) and cgroup-v1.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_TOP: Final = Path("/")
"""Directory below which the kernel's files are."""


def usable_cores(top: Path = _TOP) -> int:
    """Return how many cores this process may use, at least 1; a part of one counts as a core."""
    limits = [_affinity()]
    for group in _groups("cpu", top):
        quota, period = _quota_of(group)
        if quota is not None and period:
            limits.append(math.ceil(quota / period))
    return max(1, min(limits))


def usable_memory(top: Path = _TOP) -> int:
    """Return how many bytes of memory this process may use."""
    limits = [os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")]
    for group in _groups("memory", top):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limit = _number(_text(group / name))
            if limit is not None:
                limits.append(limit)
    return min(limits)


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _groups(controller: str, top: Path) -> Iterator[Path]:
    """Yield the directories of this process's groups, each with all that are above it."""
    mounts = top / "sys/fs/cgroup"
    for line in _text(top / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:  # version 2
            hierarchies = [mounts]
        elif controller in controllers.split(","):
            hierarchies = [mounts / controllers, mounts / controller]
        else:
            continue
        # In a container this may be the path outside, while its own group is mounted as the highest
        # one: directories that are not there have no limits.
        own = Path(path.removeprefix("/"))
        for hierarchy in hierarchies:
            yield from (hierarchy / one for one in (own, *own.parents) if ".." not in one.parts)


def _quota_of(group: Path) -> tuple[int | None, int | None]:
    """Return the microseconds of CPU time that a group may use in a period, and the period."""
    words = _text(group / "cpu.max").split()
    if len(words) == 2:
        return _number(words[0]), _number(words[1])
    return _number(_text(group / "cpu.cfs_quota_us")), _number(_text(group / "cpu.cfs_period_us"))


def _number(text: str) -> int | None:
    """Return a number; None: there is none (``max``, -1, no file)."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() else None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
