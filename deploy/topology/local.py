"""Starts, shows and stops a topology: up, status and down."""

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
POLL_SECONDS: Final = 0.05
OUTPUT_CHARACTERS: Final = 2000


class Refused(Exception):
    """Raised when a command can't be run; the text contains the reason and the remedy."""


class Entry(TypedDict):
    """Describes one process in ``status --json``."""

    role: str
    name: str
    pid: int | None
    """Pid of the last process that was started; None if there was none."""
    port: int | None
    alive: bool
    urls: list[str]
    """Addresses at which it speaks HTTP."""


def up(root: Path, given: dict[str, Any]) -> str:
    """Start the parts that do not run, with their ports and data, and wait until all are ready.

    Args: given: the given options by name; the others are not changed.
    Returns: the address of nginx. Raises: Refused, OSError.
    """
    root = root.absolute()
    if len(str(mariadb.socket_path(directory_of(root, "mysql")))) > mariadb.SOCKET_BYTES:
        raise Refused(f"{root} is too long for the path of a socket; use a shorter --dir")
    if not is_free(root):
        raise Refused(f"{root} contains other files; use an empty --dir")
    with alone(root):
        state = State.load(root)
        options = replace(state.options, **given)
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
    """Write the files of settings. Raises: Refused: a setting is wrong."""
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
        output = (error.stderr or b"").decode(errors="replace")[-OUTPUT_CHARACTERS:]
        raise Refused(f"{part.name} could not be prepared:\n{output}") from error
    state.save(root)


def log_of(root: Path, name: str) -> Path:
    """Return the path of a part's log."""
    return root / LOG / f"{name}.log"


def _await(state: State, root: Path, part: Part) -> None:
    """Wait until a part is ready. Raises: Refused: it ended, or is not ready in time."""
    program, process = program_of(state, root, part), state.processes[part.name]
    log = log_of(root, part.name)
    deadline = time.monotonic() + START_SECONDS
    while not _is_ready(program, process, log):
        if not is_alive(process) or time.monotonic() > deadline:
            output = _output(process, log)[-OUTPUT_CHARACTERS:]
            raise Refused(f"{part.name} did not start; its output (in {log}):\n{output}")
        threading.Event().wait(POLL_SECONDS)
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
    with log.open("rb") as file:
        file.seek(process.log_at)
        return file.read().decode(errors="replace")


def status(root: Path) -> list[Entry]:
    """Return every process of the topology, in the order of their start. Raises: OSError."""
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
    """Stop all processes in the reverse order of their start; keep the data unless ``remove``.

    Raises: OSError.
    """
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
            # By name: other files in the directory are not the topology's.
            remove_entries(root, entries(state.options))


def parsed_setting(text: str) -> tuple[str, Any]:
    """Return name and value of a setting in ``--set``: its dotted name, ``=``, its value as YAML.

    Raises: ValueError.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise ValueError(text)
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError:
        raise ValueError(text) from None
