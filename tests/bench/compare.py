"""Our server and others, with the same client and the same work: ``make bench``.

Every round runs every load on every server, in an order of its own, each on a fresh process, an
empty directory and memory that the host has given already. The runs of one load follow each other,
so that a server is compared with the baseline of the same minutes. Peers run with their defaults,
without hashing; ours hashes.
"""

import argparse
import json
import random
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Final

from loads import LOADS, Figures, Load, generate, source_of, warm_up
from machine import FOREIGN_CORES, facts
from measured_servers import SERVERS, Command, Running, running, variants
from places import PLACES, NotHere, Room, file_system
from quota import limited
from rich.console import Console
from rich.table import Table
from verdicts import Ratio, Verdict, ratio
from warm_memory import WarmMemory

BASELINE: Final = "tusd"


@dataclass(frozen=True)
class Run:
    """Where and when figures were measured."""

    place: str
    load: str
    server: str
    round: int
    figures: Figures


@dataclass(frozen=True)
class Plan:
    """What is to be measured."""

    rounds: int
    places: Mapping[str, Room]
    loads: Mapping[str, Load]
    servers: Mapping[str, Command]
    quota: float | None
    warm: bool


def main() -> None:
    """Measure and print."""
    arguments = _parser().parse_args()
    # What was mounted is unmounted too when it is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    console = Console(width=190)
    wanted = variants(arguments.servers, arguments.processes)
    servers = {name: server for name, server in wanted.items() if server.needs.exists()}
    for name in wanted.keys() - servers.keys():
        console.print(f"{name}: not installed here")
    loads = {name: LOADS[name].smaller(arguments.share) for name in arguments.loads}
    machine = {**facts(), "commit": _commit(), "options": sys.argv[1:]}
    runs: list[Run] = []
    with ExitStack() as stack:
        places: dict[str, Room] = {}
        for name in arguments.places:
            try:
                places[name] = stack.enter_context(PLACES[name](arguments.dir))
                with places[name]() as folder:
                    machine[f"file system: {name}"] = file_system(folder)
            except NotHere as reason:
                console.print(f"{name}: not possible here: {reason}")
        source = stack.enter_context(source_of(max(load.size for load in loads.values())))
        plan = Plan(
            arguments.rounds, places, loads, servers, arguments.quota, not arguments.cold_memory
        )
        for run in _measure(plan, source):
            runs.append(run)
            sys.stderr.write(_line(run) + "\n")
            if arguments.json is not None:
                written = {"machine": machine, "runs": [asdict(run) for run in runs]}
                arguments.json.write_text(json.dumps(written, indent=1))
    for name, value in machine.items():
        console.print(f"{name}: {value}")
    baseline = arguments.baseline if arguments.baseline in servers else next(iter(servers))
    for place in plan.places:
        for load in loads:
            of_load = [run for run in runs if (run.place, run.load) == (place, load)]
            console.print(table(f"{load}, {place}", LOADS[load], of_load, baseline))
    console.print(
        f"*: rounds in which other processes, or other machines of the host, took more than "
        f"{FOREIGN_CORES} cores. They count like all others."
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--servers", nargs="+", default=list(SERVERS), choices=list(SERVERS))
    parser.add_argument("--loads", nargs="+", default=list(LOADS), choices=list(LOADS))
    parser.add_argument(
        "--places", nargs="+", default=["memory", "fresh", "used"], choices=list(PLACES)
    )
    parser.add_argument(
        "--processes",
        nargs="+",
        type=int,
        default=[1, 0],
        help="of our servers; 0: one for each core",
    )
    parser.add_argument(
        "--baseline", default=BASELINE, help="the server that others are compared with"
    )
    parser.add_argument(
        "--quota", type=float, help="cores that each process of a server may use, e.g. 0.5"
    )
    parser.add_argument("--cold-memory", action="store_true", help="take memory as it is")
    parser.add_argument("--share", type=int, default=1, help="do only so small a share of the work")
    parser.add_argument(
        "--dir", type=Path, default=Path(gettempdir()), help="a directory on the disk to measure"
    )
    parser.add_argument("--json", type=Path, help="write all runs to this file as well")
    return parser


def _measure(plan: Plan, source: Path) -> Iterator[Run]:
    for number in range(1, plan.rounds + 1):
        for place in _shuffled(plan.places):
            for load in _shuffled(plan.loads):
                for server in _shuffled(plan.servers):
                    with _opened(plan, place, load, server, source) as started:
                        figures = generate(started, plan.loads[load], source)
                    yield Run(place, load, server, number, figures)


@contextmanager
def _opened(plan: Plan, place: str, load: str, server: str, source: Path) -> Iterator[Running]:
    """Run a server that is ready for this load."""
    with ExitStack() as stack:
        folder = stack.enter_context(plan.places[place]())
        if plan.warm:
            memory = WarmMemory(plan.loads[load].memory)
            stack.callback(memory.close)
            stack.enter_context(memory.given())
        started = stack.enter_context(running(plan.servers[server], folder))
        warm_up(started, plan.loads[load], source)
        if plan.quota is not None:
            stack.enter_context(limited(started, plan.quota))
        yield started


def _shuffled(names: Iterable[str]) -> list[str]:
    shuffled = list(names)
    random.shuffle(shuffled)
    return shuffled


def _commit() -> str:
    said = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return said.stdout.strip()


def _line(run: Run) -> str:
    figures = run.figures
    return (
        f"{run.round} {run.place}, {run.load}, {run.server}: {figures.rate:.2f}/s, "
        f"{figures.cpu * 1000:.2f} ms CPU, others {figures.others.foreign:.2f} cores, "
        f"load average {figures.others.load_average:.1f} {figures.error}"
    )


def table(title: str, load: Load, runs: Sequence[Run], baseline: str) -> Table:
    """Return a load's figures: medians over the rounds, and each server compared with one."""
    scale, unit = (1000, "ms") if load.unit == "upload" else (1, "s")
    drawn = Table(title=f"{title}; ratios to {baseline}", title_justify="left")
    columns = (
        "server", f"{load.unit}s a second", f"CPU {unit} per {load.unit}", "least to most",
        "CPU, ratio", "rate, ratio", "cores: server + client",
        "wait ms", "peak MiB", "start s", "",
    )  # fmt: skip
    for column in columns:
        drawn.add_column(column, justify="left" if column in ("server", "") else "right")
    of: dict[str, list[Figures]] = {}
    for run in sorted(runs, key=lambda run: run.round):
        of.setdefault(run.server, []).append(run.figures)
    for server in sorted(of, key=lambda server: (not server.startswith("tusd-py"), server)):
        figures, base = of[server], of[baseline]
        costs = [run.cpu * scale for run in figures]
        waits = [wait for run in figures for wait in run.waits]
        drawn.add_row(
            server,
            f"{statistics.median(run.rate for run in figures):,.{0 if scale > 1 else 2}f}",
            f"{statistics.median(costs):.2f}",
            f"{min(costs):.2f} to {max(costs):.2f}",
            _compared([run.cpu for run in figures], [run.cpu for run in base], less_is_better=True),
            _compared(
                [run.rate for run in figures], [run.rate for run in base], less_is_better=False
            ),
            f"{statistics.median(run.server_cores for run in figures):.2f} + "
            f"{statistics.median(run.client_cores for run in figures):.2f}",
            f"{statistics.median(waits):.0f}" if waits else "",
            f"{statistics.median(run.peak_mib for run in figures):.0f}",
            f"{statistics.median(run.start_seconds for run in figures):.2f}",
            _notes(figures),
        )
    return drawn


def _compared(figures: Sequence[float], base: Sequence[float], *, less_is_better: bool) -> str:
    found = None if figures == base else ratio(figures, base)
    return "" if found is None else in_words(found, found.verdict(less_is_better=less_is_better))


def in_words(found: Ratio, verdict: Verdict) -> str:
    """Return a ratio with its interval and the verdict."""
    return f"{found.median:.2f} ({found.least:.2f} to {found.most:.2f}) {verdict}"


def _notes(figures: Sequence[Figures]) -> str:
    disturbed = "*" * sum(run.others.disturbed for run in figures)
    errors = sorted({run.error for run in figures if run.error})
    return " ".join([disturbed, "; ".join(errors)[:40]]).strip()


if __name__ == "__main__":
    main()
