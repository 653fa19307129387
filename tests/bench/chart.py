"""Draw a chart of ``make bench``'s figures: ``chart.py compared.json compared.svg PLACE``."""

import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from loads import LOADS

WIDTH, LEFT, RIGHT, BAR, GAP = 760, 210, 70, 14, 34
STYLE: Final = (
    "text{font:12px sans-serif;fill:#24292f}.title{font-weight:bold}.ours{fill:#2f81f7}"
    ".peer{fill:#8b949e}@media(prefers-color-scheme:dark){text{fill:#e6edf3}}"
)
Runs = Sequence[Mapping[str, Any]]


def main() -> None:
    """Read the figures, draw, write."""
    source, target, place = sys.argv[1:]
    runs = [run for run in json.loads(Path(source).read_text())["runs"] if run["place"] == place]
    Path(target).write_text(chart(runs), "utf-8")


def chart(runs: Runs) -> str:
    """Draw one group of bars per load: median CPU of each server, s per GiB or ms per upload."""
    lines: list[str] = []
    top = 24
    for load in (name for name in LOADS if name != "take-over"):
        of: dict[str, list[Mapping[str, Any]]] = {}
        for run in runs:
            if run["load"] == load:
                of.setdefault(run["server"], []).append(run["figures"])
        if not of:
            continue
        small = LOADS[load].unit == "upload"
        unit = "CPU ms per upload" if small else "CPU seconds per GiB"
        lines.append(f'<text class="title" x="0" y="{top}">{escape(load)}: {unit}</text>')
        top += 8
        medians = {
            server: statistics.median(run["cpu"] for run in figures) * (1000 if small else 1)
            for server, figures in sorted(of.items(), key=_ours_first)
            if not any(run["error"] for run in figures)
        }
        scale = (WIDTH - LEFT - RIGHT) / max(medians.values())
        for server, value in medians.items():
            kind = "ours" if server.startswith("tusd-py") else "peer"
            lines += [
                f'<text x="{LEFT - 8}" y="{top + 11}" text-anchor="end">{escape(server)}</text>',
                f'<rect class="{kind}" x="{LEFT}" y="{top}" '
                f'width="{value * scale:.1f}" height="{BAR}"/>',
                f'<text x="{LEFT + value * scale + 6:.1f}" y="{top + 11}">{value:.2f}</text>',
            ]
            top += BAR + 4
        top += GAP
    height = top - GAP + 4
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}"><style>{STYLE}</style>\n' + "\n".join(lines) + "\n</svg>\n"
    )


def _ours_first(server: tuple[str, object]) -> tuple[bool, str]:
    return not server[0].startswith("tusd-py"), server[0]


if __name__ == "__main__":
    main()
