"""Implements the command line of ``deploy/local``."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from topology.local import Entry, Refused, down, parsed_setting, status, up
from topology.parts import config_of

_OPTIONS: Final = ("servers", "workers", "port", "anonymous")


def main() -> int:
    """Run the command in the arguments; return the exit code."""
    arguments = command_parser().parse_args()
    try:
        match arguments.command:
            case "up":
                address = up(arguments.dir, _chosen(arguments))
                config = config_of(arguments.dir)
                command = os.path.relpath(Path(sys.executable).with_name("tusd-py"))
                sys.stdout.write(f"a user: {command} user add NAME --config {config}\n{address}\n")
            case "status":
                return _print_status(status(arguments.dir), as_json=arguments.json)
            case "down":
                down(arguments.dir, remove=arguments.remove)
    except (Refused, OSError) as error:
        sys.stderr.write(f"local: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def command_parser() -> argparse.ArgumentParser:
    """Return the parser of the commands and their options."""
    parser = argparse.ArgumentParser(
        prog="local", description="The whole topology on this machine, from Debian packages."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    start = commands.add_parser(
        "up", help="start processes that do not run; the last line is the address to use"
    )
    start.add_argument("--servers", type=_counted, help="how many (2)")
    start.add_argument("--workers", type=_counted, help="how many (3)")
    start.add_argument("--port", type=int, help="where nginx listens, on loopback (8080)")
    start.add_argument(
        "--anonymous", action=argparse.BooleanOptionalAction,
        help="require no token: all users of this machine are the same user of the servers (no)",
    )  # fmt: skip
    start.add_argument(
        "--set", action="append", type=parsed_setting, metavar="NAME=VALUE", dest="settings",
        help="a setting of docs/configuration.md, e.g. jobs.lease=5s",
    )  # fmt: skip
    show = commands.add_parser("status", help="show every process")
    show.add_argument("--json", action="store_true", help="as a JSON list")
    stop = commands.add_parser("down", help="stop all processes; the data stays")
    stop.add_argument("--remove", action="store_true", help="remove the data too")
    for command in (start, show, stop):
        command.add_argument(
            "--dir",
            type=Path,
            default=Path("tusd-local"),
            help="directory of all data (tusd-local)",
        )
    return parser


def _counted(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least one")
    return number


def _chosen(arguments: argparse.Namespace) -> dict[str, Any]:
    chosen = {name: getattr(arguments, name) for name in _OPTIONS}
    if arguments.settings is not None:
        chosen["settings"] = dict(arguments.settings)
    return {name: value for name, value in chosen.items() if value is not None}


def _print_status(entries: list[Entry], *, as_json: bool) -> int:
    """Print the processes; return 1 if not all run."""
    if as_json:
        sys.stdout.write(f"{json.dumps(entries, indent=1)}\n")
    elif not entries:
        sys.stdout.write("no topology was started here\n")
    else:
        for entry in entries:
            state = "runs" if entry["alive"] else "away"
            line = f"{entry['name']:<10} {state}  {entry['pid'] or '':<8} {entry['port'] or '':<6}"
            sys.stdout.write(f"{line} {' '.join(entry['urls'])}".rstrip() + "\n")
    return 0 if entries and all(entry["alive"] for entry in entries) else 1


if __name__ == "__main__":
    sys.exit(main())
