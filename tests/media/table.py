"""``make media``: all files are sent through a real server, judged, and written as a table."""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from media import chromium, inputs
from media.cases import Case
from media.checks import of_every_file
from media.inventory import audit, original_is_there
from media.journey import media_server, seen, send
from media.measure import Seen

OWN_GROUPS: Final = ("pictures", "sounds")
"""Groups whose files have no film to measure."""


def judged(found: Seen) -> list[str]:
    """Return all faults of one file."""
    faults = list(of_every_file(found))
    if found.last.get("status") == "completed":
        faults += audit(found)
        for check in found.case.checks:
            try:
                faults += check(found)
            except Exception as error:  # noqa: BLE001 - one file's trouble must not end the table
                faults.append(f"could not be judged: {error!r}")
        if found.case.group not in OWN_GROUPS and found.played is not None:
            faults += chromium.film_faults(found)
    return faults


def observed(found: Seen) -> str:
    """Return what became of one file in a few words."""
    if found.web is None:
        return str(found.last.get("error") or found.last.get("status") or "not sent")
    words = ["as sent" if found.is_as_sent else found.web.summary()]
    if found.web.streams("video") and found.case.group not in OWN_GROUPS:
        words.append(f"{found.web.frames.count} frames")
    others = sorted(name for name in found.renditions if name != found.main.get("name"))
    if others:
        words.append("with " + ", ".join(others))
    elif not found.is_as_sent:
        words.append("no renditions" if original_is_there(found) else "the original gone")
    words += found.notes or ([found.message] if found.message not in ("", "上传完成") else [])
    return "; ".join(words)


def play(all_seen: Iterable[Seen]) -> None:
    """Show in Chromium what is to be played there, all in one browser."""
    to_show: list[tuple[Path, str]] = []
    of: dict[Path, tuple[Seen, str]] = {}
    for found in all_seen:
        kind = {"pictures": "picture", "sounds": "sound"}.get(found.case.group, "film")
        if found.web is None or (kind == "film" and not found.case.played):
            continue
        files = {"web": found.web.path}
        if kind != "film":
            wanted = {"picture": "image/", "sound": "audio/"}[kind]
            files |= {
                name: each.path
                for name, each in found.renditions.items()
                if str(each.facts.get("content_type", "")).startswith(wanted)
                and name not in ("original", "cover", "waveform")
            }
        for name, path in files.items():
            to_show.append((path, kind))
            of[path] = (found, name)
    for path, measured in chromium.play(to_show).items() if to_show else ():
        found, name = of[path]
        if found.case.group in OWN_GROUPS:
            found.played = {**(found.played or {}), name: measured}
        else:
            found.played = measured


def print_now(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def run(
    cases: Sequence[Case], cache: Path, work: Path, code: Path | None = None,
    report: Callable[[str], None] = print_now,
) -> list[dict[str, Any]]:  # fmt: skip
    """Make, send, download, play and judge these files. Return a row for each."""
    files: dict[str, Path] = {}
    failed: dict[str, str] = {}
    for case in cases:
        try:
            files[case.name] = inputs.made(case, cache)
        except Exception as error:  # noqa: BLE001 - an input that can't be made is a row of the table
            failed[case.name] = f"the input could not be made: {error}"
            report(f"{case.name}: {failed[case.name]}")
    report(f"{len(files)} files made")
    found: list[Seen] = []
    with media_server(work / "data", code=code) as server:
        for later in (False, True):
            part = [case for case in cases if case.after is later and case.name in files]
            if not part:
                continue
            began = time.monotonic()
            printed = send(server, [files[case.name] for case in part], work / "state")
            report(f"{len(part)} files sent and done in {time.monotonic() - began:.0f} s")
            for case in part:
                path = files[case.name]
                back, memo = work / "back" / str(len(found)), inputs.memo_of(case, cache)
                found.append(seen(server, case, path, printed.get(path, []), back, memo))
    play(found)
    report("played in Chromium")
    rows = [
        {"file": case.name, "group": case.group, "expected": case.expected,
         "observed": failed[case.name],
         "faults": [failed[case.name]]}
        for case in cases if case.name in failed
    ]  # fmt: skip
    for each in found:
        faults = judged(each)
        rows.append(
            {"file": each.case.name, "group": each.case.group, "expected": each.case.expected,
             "observed": observed(each), "faults": faults, "played": each.played is not None}
        )  # fmt: skip
        if faults:
            report(f"{each.case.name}: {'; '.join(faults)}")
    order = {case.name: number for number, case in enumerate(cases)}
    return sorted(rows, key=lambda row: order[row["file"]])


def as_markdown(rows: Sequence[dict[str, Any]], heading: str) -> str:
    """Return the table, its last line the count of files and of those with faults."""
    lines = [heading, "", "| File | Expected | Observed | Verdict |", "|---|---|---|---|"]
    for row in rows:
        cells = [
            f"`{_plain(row['file'])}`",
            row["expected"],
            row["observed"],
            "; ".join(row["faults"]) or "right",
        ]
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    wrong = sum(bool(row["faults"]) for row in rows)
    return "\n".join([*lines, "", last_line(len(rows), wrong), ""])


def last_line(files: int, faults: int) -> str:
    """Return the table's last line."""
    return f"{files} files, {faults} faults"


def _plain(name: str) -> str:
    shown = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in name)
    shown = shown.replace("`", "'")
    return shown if len(shown) < 60 else f"{shown[:20]}...{shown[-8:]}"


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")


def main() -> int:
    """Run the command; 1 when there is a fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", nargs="*", default=[])
    parser.add_argument("--only", nargs="*", default=[], help="names of files, or their beginnings")
    parser.add_argument("--cache", type=Path, default=inputs.CACHE)
    parser.add_argument("--code", type=Path, help="another source tree whose server is judged")
    parser.add_argument("--table", type=Path, help="a page that is written")
    parser.add_argument("--rows", type=Path, help="JSON that keeps the rows of earlier runs")
    parser.add_argument(
        "--keep", type=Path, help="a folder in which everything that came back stays"
    )
    parser.add_argument("--make-only", action="store_true", help="make the inputs and stop")
    given = parser.parse_args()
    cases = inputs.chosen(given.groups, given.only)
    if given.make_only:
        return _make_only(cases, given.cache)
    work = given.keep or Path(tempfile.mkdtemp(prefix="tusd-media-"))
    if given.keep:
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
    try:
        rows = run(cases, given.cache, work, given.code)
    finally:
        if not given.keep:
            shutil.rmtree(work, ignore_errors=True)
    rows = _merged(rows, given.rows)
    if given.table:
        given.table.write_text(as_markdown(rows, HEADING))
    wrong = sum(bool(row["faults"]) for row in rows)
    print_now(last_line(len(rows), wrong))
    return 1 if wrong else 0


HEADING: Final = """# What becomes of each kind of file

`make media` makes these files, sends them through a real server, downloads all results, \
and judges them by decoding them.
It also plays the files that their makers mark in a real Chromium. \
This page is the output of that command."""


def _make_only(cases: Sequence[Case], cache: Path) -> int:
    wrong = 0
    for case in cases:
        try:
            inputs.made(case, cache)
        except Exception as error:  # noqa: BLE001 - see ``run``
            wrong += 1
            print_now(f"{case.name}: {error}")
    print_now(f"{len(cases)} files, {wrong} could not be made")
    return 1 if wrong else 0


def _merged(rows: list[dict[str, Any]], kept: Path | None) -> list[dict[str, Any]]:
    if kept is None:
        return rows
    before = json.loads(kept.read_text()) if kept.exists() else []
    by_name = {row["file"]: row for row in [*before, *rows]}
    merged = [by_name[case.name] for case in inputs.chosen() if case.name in by_name]
    kept.write_text(json.dumps(merged, ensure_ascii=False, indent=1))
    return merged


if __name__ == "__main__":
    sys.exit(main())
