"""What processes of one port share is exact between real processes, and outlives none of them."""

from pathlib import Path

from support.process_set import stop
from support.sibling_processes import answers, charging, counting, ready, running
from support.siblings import siblings_in

from tusd_py.counts.siblings import SiblingCounts

HOUR = 3600.0
TRIES = 200


def test_counts_are_exact_and_those_of_a_killed_process_are_forgotten(tmp_path: Path) -> None:
    with running(counting, tmp_path) as processes:
        ready(processes)
        for limit in (1, 97, 4 * TRIES - 1, 4 * TRIES):
            assert answers(processes, f"limit {limit}", limit, TRIES) == limit
        victim = processes[1][0]
        for _, each in processes[:2]:
            each.send(("both", 20, 10))
            assert each.recv() == 10
        assert answers(processes[2:], "both", 20, 1) == 0
        victim.kill()
        victim.join()
        assert answers(processes[2:], "both", 20, 1) == 0
        dead = SiblingCounts(siblings_in(tmp_path, 1, servers=4))
        dead.forget()
        dead.close()
        assert answers(processes[2:], "both", 20, TRIES) == 10


def test_rates_are_exact(tmp_path: Path) -> None:
    with running(charging, tmp_path) as processes:
        ready(processes)
        for limit in (1, 50, 333):
            assert answers(processes, f"rate {limit}", HOUR / limit, HOUR, TRIES) == limit


def test_a_stopped_process_stops_no_other(tmp_path: Path) -> None:
    with running(counting, tmp_path) as processes:
        ready(processes)
        victim = processes[0][0]
        processes[0][1].send(("busy", 10**9, 10**6))
        assert victim.pid is not None
        stop(victim.pid)
        assert answers(processes[1:], "busy", 10**9, TRIES) == 3 * TRIES
        assert answers(processes[1:], "other", 10, TRIES) == 10
