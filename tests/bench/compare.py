"""Our server and others, with the same client and the same work: ``make bench``.

Every round runs every load on every server, in an order of its own, each on a fresh process and an
empty directory; medians are of the rounds. Peers run with their defaults, without hashing; ours
hashes.
"""

import argparse
import json
import random
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from loads import LOADS, Figures, Load, generate, source_of
from measured_servers import SERVERS, running
from rich.console import Console
from rich.table import Table

BASE: Final = "tusd-py, durability off"
Runs = dict[str, dict[str, list[Figures]]]
"""The rounds by load and by server."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--servers", nargs="*", default=list(SERVERS), choices=list(SERVERS))
    parser.add_argument("--loads", nargs="*", default=list(LOADS), choices=list(LOADS))
    parser.add_argument("--share", type=int, default=1, help="do only so small a share of the work")
    parser.add_argument("--dir", type=Path, help="where the servers keep their data")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    arguments = parser.parse_args()
    there = [name for name in arguments.servers if SERVERS[name].needs.exists()]
    loads = {name: LOADS[name].smaller(arguments.share) for name in arguments.loads}
    with source_of(max(load.size for load in loads.values())) as source:
        runs = _measure(there, loads, arguments.rounds, arguments.dir, source)
    console = Console(width=140)
    for name, load in loads.items():
        console.print(table(name, load, runs[name]))
    for name in arguments.servers:
        if name not in there:
            console.print(f"{name}: not installed here")
    if arguments.json is not None:
        figures = {
            load: {server: [asdict(run) for run in of_server] for server, of_server in of.items()}
            for load, of in runs.items()
        }
        arguments.json.write_text(json.dumps(figures, indent=1))


def _measure(
    servers: Sequence[str],
    loads: Mapping[str, Load],
    rounds: int,
    place: Path | None,
    source: Path,
) -> Runs:
    runs: Runs = {load: {server: [] for server in servers} for load in loads}
    for _ in range(rounds):
        pairs = [(load, server) for load in loads for server in servers]
        random.shuffle(pairs)
        for load, server in pairs:
            with running(server, place) as started:
                runs[load][server].append(generate(started, loads[load], source))
    return runs


def table(name: str, load: Load, runs: Mapping[str, Sequence[Figures]]) -> Table:
    """Return a load's figures: medians, the extremes of the CPU, each peer as a share of ours."""
    small = load.unit == "upload"
    scale, unit = (1000, "ms") if small else (1, "s")
    drawn = Table(title=name, title_justify="left")
    columns = (
        "server", f"{load.unit}s a second", f"CPU {unit} per {load.unit}", "least to most",
        "ours / this, CPU", "ours / this, rate", "wait ms", "peak MiB", "client CPU", "",
    )  # fmt: skip
    for column in columns:
        drawn.add_column(column, justify="left" if column in ("server", "") else "right")
    for server, of_server in runs.items():
        middle = medians(of_server)
        ours = medians(runs[BASE]) if BASE in runs else middle
        extremes = [run.cpu * scale for run in of_server]
        errors = {run.error for run in of_server if run.error}
        drawn.add_row(
            server,
            f"{middle['rate']:,.0f}" if small else f"{middle['rate']:.2f}",
            f"{middle['cpu'] * scale:.2f}",
            f"{min(extremes):.2f} to {max(extremes):.2f}",
            f"{ours['cpu'] / middle['cpu']:.2f}" if middle["cpu"] else "",
            f"{ours['rate'] / middle['rate']:.2f}" if middle["rate"] else "",
            f"{middle['wait']:.0f}" if middle["wait"] is not None else "",
            f"{middle['peak']:.0f}",
            f"{middle['client'] * scale:.2f}",
            "; ".join(sorted(errors))[:60],
        )
    return drawn


def medians(runs: Sequence[Figures]) -> dict[str, Any]:
    """Return the median of each figure over the rounds.

    ``wait`` is that of all waits, None when there are none.
    """
    waits = [wait for run in runs for wait in run.waits]
    return {
        "rate": statistics.median(run.rate for run in runs),
        "cpu": statistics.median(run.cpu for run in runs),
        "client": statistics.median(run.client_cpu for run in runs),
        "peak": statistics.median(run.peak_mib for run in runs),
        "wait": statistics.median(waits) if waits else None,
    }


if __name__ == "__main__":
    main()
