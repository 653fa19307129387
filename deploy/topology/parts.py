"""Defines the parts of a topology, and how each part is run."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import yaml

from topology import mariadb, nginx, rabbitmq, redis, tusd
from topology.program import Program, free_port
from topology.rabbitmq import RabbitPorts
from topology.state import Options, State

Role = Literal["rabbitmq", "redis", "mysql", "server", "worker", "nginx"]

DATABASE: Final = "tusd"
DATA: Final = "data"
LOG: Final = "log"
CONFIG: Final = "tusd.yaml"
WORKER_CONFIG: Final = "worker.yaml"
_PORTS: Final = ("rabbitmq", "rabbitmq-dist", "epmd", "redis", "mysql", "nginx-tls")
_PASSWORDS: Final = ("rabbitmq", "redis", "mysql", "mysql-root", "sessions")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Names one process of a topology and its role."""

    role: Role
    name: str


def stages(options: Options) -> list[list[Part]]:
    """Return the parts in the order in which they start; they stop in the reverse order.

    The parts of a stage start together.
    """
    return [
        [Part(role="rabbitmq", name="epmd")],
        [
            Part(role="rabbitmq", name="rabbitmq"),
            Part(role="redis", name="redis"),
            Part(role="mysql", name="mysql"),
        ],
        [Part(role="worker", name=f"worker-{number}") for number in _count(options.workers)],
        [Part(role="server", name=f"server-{number}") for number in _count(options.servers)],
        [Part(role="nginx", name="nginx")],
    ]


def _count(number: int) -> Iterator[int]:
    return iter(range(1, number + 1))


def server_names(options: Options) -> list[str]:
    """Return the names of the servers."""
    return [f"server-{number}" for number in _count(options.servers)]


def _tusd_processes(options: Options) -> list[str]:
    """Return the names of servers and workers; each speaks HTTP on its own port."""
    workers = [f"worker-{number}" for number in _count(options.workers)]
    return [*server_names(options), *workers]


def fill_in(state: State) -> None:
    """Choose the ports and passwords that are still missing."""
    for name in (*_PORTS, *_tusd_processes(state.options)):
        while name not in state.ports:
            port = free_port()
            if port not in state.ports.values():
                state.ports[name] = port
    for name in _PASSWORDS:
        state.passwords.setdefault(name, secrets.token_hex(16))


def port_of(state: State, name: str) -> int | None:
    """Return the port of a part; None if it is not chosen yet."""
    return state.options.port if name == "nginx" else state.ports.get(name)


def urls_of(state: State, name: str) -> list[str]:
    """Return the addresses of a part; [] if it does not speak HTTP."""
    port = port_of(state, name)
    if name == "nginx":
        return [f"http://127.0.0.1:{port}", f"https://127.0.0.1:{state.ports['nginx-tls']}"]
    return [f"http://127.0.0.1:{port}"] if name in _tusd_processes(state.options) else []


def directory_of(root: Path, name: str) -> Path:
    """Return the directory in which a part runs."""
    return root / ("rabbitmq" if name == "epmd" else name)


def config_of(root: Path) -> Path:
    """Return the path of the settings of all servers."""
    return root / CONFIG


def worker_config_of(root: Path) -> Path:
    """Return the path of the settings of all workers."""
    return root / WORKER_CONFIG


def entries(options: Options) -> set[str]:
    """Return the names of all that a topology makes in its directory, except state and lock."""
    parts = {directory_of(Path(), part.name).name for stage in stages(options) for part in stage}
    return parts | {DATA, LOG, CONFIG, WORKER_CONFIG}


def settings(state: State, root: Path) -> dict[str, Any]:
    """Return the settings of the servers; those of the operator override the topology's own."""
    passwords = state.passwords
    own: dict[str, Any] = {
        "data_dir": str(root / DATA),
        "mysql.data_source": (
            f"tusd:{passwords['mysql']}@tcp(127.0.0.1:{state.ports['mysql']})/{DATABASE}"
        ),
        "redis.addr": f"127.0.0.1:{state.ports['redis']}",
        "redis.password": passwords["redis"],
        "rabbitmq.host": "127.0.0.1",
        "rabbitmq.port": state.ports["rabbitmq"],
        "rabbitmq.user": "tusd",
        "rabbitmq.password": passwords["rabbitmq"],
    }
    if not state.options.anonymous:
        own |= {"auth.required": True, "auth.access_secret": passwords["sessions"]}
    tree: dict[str, Any] = {}
    for name, value in (own | state.options.settings).items():
        *sections, last = name.split(".")
        place = tree
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return tree


def worker_settings(state: State, root: Path) -> dict[str, Any]:
    """Return the settings of the workers, without ``auth``, because workers decode users' files."""
    return {name: value for name, value in settings(state, root).items() if name != "auth"}


def settings_texts(state: State, root: Path) -> dict[Path, str]:
    """Return the YAML text of each file of settings."""
    trees = {
        config_of(root): settings(state, root),
        worker_config_of(root): worker_settings(state, root),
    }
    return {
        path: yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)
        for path, tree in trees.items()
    }


def program_of(state: State, root: Path, part: Part) -> Program:
    """Return the program of a part."""
    directory, config, ports = directory_of(root, part.name), config_of(root), state.ports
    match part.role:
        case "rabbitmq":
            found = _broker(state, directory, part)
        case "redis":
            found = redis.program(
                directory, ports["redis"], durable=True, password=state.passwords["redis"]
            )
        case "mysql":
            found = mariadb.program(
                directory, ports["mysql"], root_password=state.passwords["mysql-root"]
            )
        case "worker":
            found = tusd.worker(directory, worker_config_of(root), ports[part.name])
        case "server":
            found = tusd.server(directory, config, ports[part.name])
        case "nginx":
            servers = [ports[name] for name in server_names(state.options)]
            found = nginx.program(directory, state.options.port, ports["nginx-tls"], servers)
    return found


def _broker(state: State, directory: Path, part: Part) -> Program:
    ports = RabbitPorts(
        amqp=state.ports["rabbitmq"],
        dist=state.ports["rabbitmq-dist"],
        epmd=state.ports["epmd"],
    )
    if part.name == "epmd":
        return rabbitmq.epmd(directory, ports)
    return rabbitmq.program(directory, ports, user="tusd", password=state.passwords["rabbitmq"])


def prepare(root: Path, part: Part) -> None:
    """Make what a part needs before its first start. Raises: CalledProcessError, OSError."""
    directory = directory_of(root, part.name)
    directory.mkdir(mode=0o700, exist_ok=True)
    match part.role:
        case "rabbitmq":
            rabbitmq.make_cookie(directory)
        case "mysql":
            mariadb.install(directory)
        case "nginx":
            nginx.make_certificate(directory)
        case _:
            pass


def complete(state: State, root: Path, part: Part) -> None:
    """Make what a part needs after its start. Raises: CalledProcessError."""
    if part.role == "mysql":
        mariadb.grant(directory_of(root, part.name), DATABASE, password=state.passwords["mysql"])
