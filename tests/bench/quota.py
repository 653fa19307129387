"""A limit on the CPU of each process of a server, so that cores stay free for the load.

Two processes on two cores compete with the client; half a core for each leaves it one. The limit
counts in periods of 10 ms: a process that has used its part waits until the next period, also
while it holds a lock that another process wants. So what several processes reach under a quota is
at most what they reach on cores of their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from measured_servers import Running
from places import NotHere

PERIOD_MICROSECONDS: Final = 10_000


@contextmanager
def limited(server: Running, cores: float) -> Iterator[None]:
    """Give each process of the server a control group of its own (version 1) with this quota."""
    above = _groups()
    made: list[Path] = []
    try:
        for process in server.processes():
            group = above / f"tusd-bench-{process}"
            group.mkdir()
            made.append(group)
            (group / "cpu.cfs_period_us").write_text(str(PERIOD_MICROSECONDS))
            (group / "cpu.cfs_quota_us").write_text(str(int(cores * PERIOD_MICROSECONDS)))
            (group / "cgroup.procs").write_text(str(process))
        yield
    finally:
        for group in made:
            for left in (group / "cgroup.procs").read_text().split():
                (above / "cgroup.procs").write_text(left)
            group.rmdir()


def _groups() -> Path:
    """Return the control group of this process in the hierarchy of the CPU controller."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "cpu" in controllers.split(","):
            return Path("/sys/fs/cgroup/cpu") / path.removeprefix("/")
    raise NotHere("no CPU controller of control groups, version 1")
