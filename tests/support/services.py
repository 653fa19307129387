"""Start real servers for tests: with their own ports and directories, which the session removes.

Each server dies with the process that started it, also when that one is killed (PR_SET_PDEATHSIG).
"""

import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from topology import mariadb, rabbitmq, redis
from topology.program import Program, free_port, listens

__all__ = ["Engine", "MariaDb", "RabbitMq", "Redis", "Service", "free_port", "listens", "spawn"]

_libc: Final = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG: Final = 1


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Service(ABC):
    """One server process and its directory; ``start`` after ``kill`` finds its data again."""

    start_seconds = 180.0
    """Several runs of tests may start their services on a slow machine at the same time."""

    def __init__(self, name: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"tusd-test-{name}-"))
        self.port = free_port()
        self.log = self.directory / "output.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @abstractmethod
    def command(self) -> Sequence[str]:
        """Return the command of the server."""

    def environment(self) -> Mapping[str, str]:
        """Return the environment of the server."""
        return os.environ

    def ready(self) -> bool:
        """Return whether the server accepts work."""
        return listens(self.port)

    def launch(self) -> None:
        """Start the process; ``wait`` must follow."""
        self._process = spawn(self.command(), self.environment(), self.directory, self.log)

    def wait(self) -> None:
        """Wait until the server accepts work."""
        assert self._process is not None
        deadline = time.monotonic() + self.start_seconds
        while True:
            assert self._process.poll() is None, self._complaint("ended")
            try:
                if self.ready():
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, self._complaint("is not ready")
            threading.Event().wait(0.02)

    def _complaint(self, what: str) -> str:
        return f"{type(self).__name__} {what}:\n{self.log.read_text(errors='replace')[-3000:]}"

    def start(self) -> None:
        """Start the server and wait until it accepts work."""
        self.launch()
        self.wait()

    def kill(self) -> None:
        """Send SIGKILL to its whole group."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def terminate(self) -> None:
        """Send SIGTERM and wait."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)

    def pause(self) -> None:
        """Send SIGSTOP."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Send SIGCONT."""
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kill it and remove its directory."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def spawn(
    command: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path
) -> "subprocess.Popen[bytes]":
    """Start a process in its own group that dies with this one."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=directory,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  (only this instructs the kernel)
        )


class Engine(Service):
    """A server that ``deploy/local`` starts too, by the same description."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.password = secrets.token_hex(16)
        """Password of its first user."""

    @abstractmethod
    def program(self) -> Program:
        """Return the program's description."""

    def command(self) -> Sequence[str]:
        return self.program().command

    def environment(self) -> Mapping[str, str]:
        return self.program().environment

    def ready(self) -> bool:
        return self.program().ready(self.pid, "")

    def launch(self) -> None:
        self.program().write_files()
        super().launch()


class Redis(Engine):
    """redis-server without persistence."""

    def __init__(self) -> None:
        super().__init__("redis")

    def program(self) -> Program:
        return redis.program(self.directory, self.port, durable=False, password=self.password)

    @property
    def url(self) -> str:
        """Return the address of its first database."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def clear(self) -> None:
        """Delete everything, by FLUSHALL."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            for command in (f"AUTH {self.password}", "FLUSHALL"):
                connection.sendall(f"{command}\r\n".encode())
                assert connection.recv(16) == b"+OK\r\n"


class MariaDb(Engine):
    """mariadbd; ``database()`` makes an empty database and returns its address."""

    user_password: Final = f"{secrets.token_hex(16)}@1"
    """Password of the user of each database, with a character that has a meaning in addresses."""

    def __init__(self) -> None:
        super().__init__("mariadb")

    def program(self) -> Program:
        return mariadb.program(self.directory, self.port, root_password=self.password)

    def launch(self) -> None:
        mariadb.install(self.directory)
        super().launch()

    def execute(self, statement: str) -> str:
        """Run SQL as root and return tab-separated rows."""
        return mariadb.execute(self.directory, statement)

    def database(self) -> str:
        """Return the address of a new empty database, in the form of ``MySQL.DataSource``."""
        name = f"tusd_{secrets.token_hex(6)}"
        mariadb.grant(self.directory, name, password=self.user_password)
        account = f"tusd:{self.user_password}"
        return f"{account}@tcp(127.0.0.1:{self.port})/{name}?charset=utf8mb4&parseTime=True"


class RabbitMq(Engine):
    """rabbitmq-server with its own epmd."""

    def __init__(self) -> None:
        super().__init__("rabbitmq")
        self.user = "tests"
        self._ports = rabbitmq.RabbitPorts(amqp=self.port, dist=free_port(), epmd=free_port())
        self._epmd: subprocess.Popen[bytes] | None = None
        rabbitmq.make_cookie(self.directory)

    def program(self) -> Program:
        return rabbitmq.program(self.directory, self._ports, user=self.user, password=self.password)

    def launch(self) -> None:
        if self._epmd is None or self._epmd.poll() is not None:
            finder = rabbitmq.epmd(self.directory, self._ports)
            self._epmd = spawn(finder.command, finder.environment, self.directory, self.log)
        super().launch()

    def wait(self) -> None:
        """Wait until rabbitmqctl may change the broker, which accepts clients shortly before."""
        super().wait()
        self.control("await_startup")

    @property
    def epmd_pid(self) -> int:
        assert self._epmd is not None
        return self._epmd.pid

    def control_command(self) -> list[str]:
        """Return the command of rabbitmqctl, to be run in ``environment``."""
        return rabbitmq.control_command(self._ports)

    def control(self, *arguments: str) -> str:
        """Run rabbitmqctl."""
        return rabbitmq.control(self.directory, self._ports, *arguments)

    def virtual_host(self) -> str:
        """Make a new virtual host of ``user``."""
        name = f"test-{secrets.token_hex(6)}"
        self.control("add_vhost", name)
        self.control("set_permissions", "-p", name, self.user, ".*", ".*", ".*")
        return name

    def url(self, virtual_host: str) -> str:
        """Return the address of a virtual host."""
        return f"amqp://{self.user}:{self.password}@127.0.0.1:{self.port}/{virtual_host}"

    def close(self) -> None:
        super().close()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
