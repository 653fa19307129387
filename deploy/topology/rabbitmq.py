"""Runs rabbitmq-server, and epmd, by which Erlang's nodes find each other."""

import os
import secrets
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from topology.program import Program, listens


@dataclass(frozen=True, slots=True, kw_only=True)
class RabbitPorts:
    """Holds the three ports of a broker on loopback."""

    amqp: int
    dist: int
    """Port of the node for rabbitmqctl."""
    epmd: int


def epmd(directory: Path, ports: RabbitPorts) -> Program:
    """Return epmd, which the broker needs; if Erlang started it, it would never end."""
    return Program(
        command=("epmd", "-port", str(ports.epmd), "-address", "127.0.0.1"),
        directory=directory,
        environment=_environment(directory, ports),
        ready=lambda _pid, _output: listens(ports.epmd),
    )


def program(directory: Path, ports: RabbitPorts, *, user: str, password: str) -> Program:
    """Return a broker on loopback; its user is made when it starts for the first time."""
    settings = [
        f"listeners.tcp.1 = 127.0.0.1:{ports.amqp}",
        "loopback_users = none",
        f"default_user = {user}",
        f"default_pass = {password}",
        "log.console = true",
        "log.console.level = warning",
        "log.file = false",
        "vm_memory_high_watermark.absolute = 1GiB",
        "disk_free_limit.absolute = 50MB",
    ]

    def ready(_pid: int, _output: str) -> bool:
        with socket.create_connection(("127.0.0.1", ports.amqp), 0.5) as connection:
            connection.settimeout(1)
            connection.sendall(b"AMQP\0\0\x09\x01")
            return connection.recv(7)[:1] == b"\x01"

    return Program(
        # Not the wrapper in /usr/sbin, which changes users.
        command=("/usr/lib/rabbitmq/bin/rabbitmq-server",),
        directory=directory,
        environment=_environment(directory, ports),
        files={"rabbitmq.conf": "\n".join(settings) + "\n", "enabled_plugins": "[].\n"},
        ready=ready,
    )


def make_cookie(directory: Path) -> None:
    """Make the secret that rabbitmqctl and the node share, once."""
    cookie = directory / ".erlang.cookie"
    if not cookie.exists():
        cookie.touch(0o600)
        cookie.write_text(secrets.token_hex(12))
        cookie.chmod(0o400)


def control_command(ports: RabbitPorts) -> list[str]:
    """Return the command rabbitmqctl for this broker; it needs the broker's environment."""
    return ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-n", _node(ports)]


def control(directory: Path, ports: RabbitPorts, *arguments: str) -> str:
    """Run rabbitmqctl. Raises: CalledProcessError."""
    return subprocess.run(
        [*control_command(ports), "-q", *arguments],
        env=_environment(directory, ports), capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def _node(ports: RabbitPorts) -> str:
    return f"tusd{ports.amqp}@localhost"


def _environment(directory: Path, ports: RabbitPorts) -> Mapping[str, str]:
    folder = str(directory)
    return {
        "PATH": os.environ["PATH"],
        "LANG": "C.UTF-8",
        "HOME": folder,
        "RABBITMQ_NODENAME": _node(ports),
        "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
        "RABBITMQ_LOG_BASE": f"{folder}/log",
        "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
        "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_PID_FILE": f"{folder}/pid",
        "RABBITMQ_DIST_PORT": str(ports.dist),
        "ERL_EPMD_PORT": str(ports.epmd),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        # With it, the script becomes the broker instead of waiting for it: one process, one pid.
        "RUNNING_UNDER_SYSTEMD": "true",
        # Schedulers that do not spin, and no epmd daemon that outlives us.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
            "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -start_epmd false "
            "-kernel inet_dist_use_interface {127,0,0,1}"
        ),
    }
