"""Up, status and down: bring a machine to what a topology says, and look."""

import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypedDict

import yaml

from topology import mariadb
from topology.parts import (
    LOG,
    Part,
    complete,
    directory_of,
    entries,
    fill_in,
    port_of,
    prepare,
    program_of,
    settings_texts,
    stages,
    urls_of,
)
from topology.process import Process, end, interrupt, is_alive, launch
from topology.program import Program, write_privately
from topology.state import State, alone, exists, is_free, remove_entries
from tusd_py.settings.sources import SettingsError, load_settings

START_SECONDS: Final = 120.0
STOP_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.05
TOLD_CHARACTERS: Final = 2000


class Refused(Exception):
    """Raised when what was asked for can't be done; the text says why and what would help."""


class Entry(TypedDict):
    """One process in ``status --json``."""

    role: str
    name: str
    pid: int | None
    """Of the last one that was started; None when none was."""
    port: int | None
    alive: bool
    urls: list[str]
    """Where it speaks HTTP."""


def up(root: Path, asked: dict[str, Any]) -> str:
    """Start what does not run, on the ports and data it had, and wait until all take work.

    Args: asked: options by name, those that were given; the others stay as they were.
    Returns: the address of nginx. Raises: Refused, OSError.
    """
    root = root.absolute()
    if len(str(mariadb.socket_path(directory_of(root, "mysql")))) > mariadb.SOCKET_BYTES:
        raise Refused(f"{root} is too long a path for a socket; use a shorter --dir")
    if not is_free(root):
        raise Refused(f"{root} holds something else; use an empty --dir")
    with alone(root):
        state = State.load(root)
        options = replace(state.options, **asked)
        if options != state.options and any(map(is_alive, state.processes.values())):
            raise Refused("this topology runs with other options: first take it down")
        state.options = options
        fill_in(state)
        _write_settings(state, root)
        state.save(root)
        (root / LOG).mkdir(mode=0o700, exist_ok=True)
        for stage in stages(options):
            for part in stage:
                _start(state, root, part)
            for part in stage:
                _await(state, root, part)
        return urls_of(state, "nginx")[0]


def _write_settings(state: State, root: Path) -> None:
    """Raises: Refused: a setting is none."""
    for config, text in settings_texts(state, root).items():
        write_privately(config, text)
        try:
            load_settings(config, {}, {})
        except SettingsError as error:
            raise Refused(str(error)) from error


def _start(state: State, root: Path, part: Part) -> None:
    known = state.processes.get(part.name)
    if known is not None:
        if is_alive(known):
            return
        end(known, patience=0)
    try:
        prepare(root, part)
        state.processes[part.name] = launch(program_of(state, root, part), log_of(root, part.name))
    except FileNotFoundError as error:
        raise Refused(f"{part.name}: {error.filename} is not installed") from error
    except subprocess.CalledProcessError as error:
        told = (error.stderr or b"").decode(errors="replace")[-TOLD_CHARACTERS:]
        raise Refused(f"{part.name} could not be prepared:\n{told}") from error
    state.save(root)


def log_of(root: Path, name: str) -> Path:
    """Where a part's output goes."""
    return root / LOG / f"{name}.log"


def _await(state: State, root: Path, part: Part) -> None:
    """Until it takes work. Raises: Refused: it ended, or does not come."""
    program, process = program_of(state, root, part), state.processes[part.name]
    log = log_of(root, part.name)
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(program, process, log):
        if not is_alive(process) or time.monotonic() > deadline:
            told = _output(process, log)[-TOLD_CHARACTERS:]
            raise Refused(f"{part.name} did not start; it said (in {log}):\n{told}")
        threading.Event().wait(LOOK_SECONDS)
    try:
        complete(state, root, part)
    except subprocess.CalledProcessError as error:
        raise Refused(
            f"{part.name} runs, but its users could not be made:\n{error.stderr}"
        ) from error


def _is_ready(program: Program, process: Process, log: Path) -> bool:
    try:
        return is_alive(process) and program.ready(process.pid, _output(process, log))
    except OSError:
        return False


def _output(process: Process, log: Path) -> str:
    with log.open("rb") as told:
        told.seek(process.log_at)
        return told.read().decode(errors="replace")


def status(root: Path) -> list[Entry]:
    """Every process of the topology, in the order of starting. Raises: OSError."""
    root = root.absolute()
    if not exists(root):
        return []
    state = State.load(root)
    return [_entry(state, part) for stage in stages(state.options) for part in stage]


def _entry(state: State, part: Part) -> Entry:
    process = state.processes.get(part.name)
    return Entry(
        role=part.role,
        name=part.name,
        pid=process.pid if process is not None else None,
        port=port_of(state, part.name),
        alive=process is not None and is_alive(process),
        urls=urls_of(state, part.name),
    )


def down(root: Path, *, remove: bool) -> None:
    """Stop all, those that start last first; keep the data unless ``remove``. Raises: OSError."""
    root = root.absolute()
    if not exists(root):
        return
    with alone(root):
        state = State.load(root)
        for stage in reversed(stages(state.options)):
            running = [state.processes[part.name] for part in stage if part.name in state.processes]
            for process in running:
                interrupt(process)
            for process in running:
                end(process, patience=STOP_SECONDS)
        state.processes.clear()
        state.save(root)
        if remove:
            # By name: whatever else somebody put there is not ours.
            remove_entries(root, entries(state.options))


def parsed_setting(text: str) -> tuple[str, Any]:
    """A setting as ``--set`` takes it: its dotted name, ``=``, its value as YAML.

    Raises: ValueError.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError(text)
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError:
        raise ValueError(text) from None
