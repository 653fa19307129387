"""Real servers, started privately: own ports, own directories, gone with the test session.

Each dies with the process that started it, also when that one is killed (PR_SET_PDEATHSIG).
"""

import ctypes
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

_libc: Final = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG: Final = 1


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def free_port() -> int:
    """A TCP port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(port: int) -> bool:
    """Whether somebody takes connections on loopback."""
    try:
        socket.create_connection(("127.0.0.1", port), 0.5).close()
    except OSError:
        return False
    return True


class Service:
    """One server process and its directory; ``start`` again after ``kill`` finds its data."""

    start_seconds = 60.0

    def __init__(self, name: str) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix=f"tusd-test-{name}-"))
        self.port = free_port()
        self.log = self.directory / "output.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def command(self) -> Sequence[str]:
        """What is run."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """What it is run with."""
        return os.environ

    def ready(self) -> bool:
        """Whether it takes work."""
        return listens(self.port)

    def launch(self) -> None:
        """Start the process; ``wait`` for it afterwards."""
        self._process = spawn(self.command(), self.environment(), self.directory, self.log)

    def wait(self) -> None:
        """Until it takes work."""
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
        """Start it and wait until it takes work."""
        self.launch()
        self.wait()

    def kill(self) -> None:
        """kill -9 of its whole group."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def terminate(self) -> None:
        """SIGTERM, and wait."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)

    def pause(self) -> None:
        """SIGSTOP."""
        os.killpg(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kill it and remove its directory."""
        self.kill()
        shutil.rmtree(self.directory, ignore_errors=True)


def spawn(
    command: Sequence[str], environment: Mapping[str, str], directory: Path, log: Path
) -> "subprocess.Popen[bytes]":
    """A process in a group of its own that dies with this one."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=directory,
            start_new_session=True,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  (nothing else can tell the kernel)
        )


class Redis(Service):
    """redis-server without persistence."""

    def __init__(self) -> None:
        super().__init__("redis")

    def command(self) -> Sequence[str]:
        return (
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
            "--appendonly", "no", "--dir", str(self.directory), "--daemonize", "no",
        )  # fmt: skip

    def ready(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), 0.5) as connection:
            connection.sendall(b"INFO server\r\n")
            # Another server on this port would answer too.
            return f"process_id:{self.pid}\r".encode() in connection.recv(65536)

    @property
    def url(self) -> str:
        """The address of its first database."""
        return f"redis://127.0.0.1:{self.port}/0"

    def clear(self) -> None:
        """FLUSHALL."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(b"FLUSHALL\r\n")
            assert connection.recv(16) == b"+OK\r\n"


class MariaDb(Service):
    """mariadbd; ``database()`` makes an empty database and returns its address."""

    def __init__(self) -> None:
        super().__init__("mariadb")
        self._socket = self.directory / "mariadb.sock"
        self._user = getpass.getuser()

    def install(self) -> None:
        """Make the system tables; takes some seconds."""
        subprocess.run(
            [
                "mariadb-install-db", "--no-defaults", f"--datadir={self.directory}/data",
                f"--user={self._user}", "--auth-root-authentication-method=normal",
                "--skip-test-db", "--skip-name-resolve",
            ],
            check=True, capture_output=True,
            env={**os.environ, "HOME": str(self.directory), "TMPDIR": str(self.directory)},
        )  # fmt: skip

    def launch(self) -> None:
        if not (self.directory / "data").exists():
            self.install()
        super().launch()

    def command(self) -> Sequence[str]:
        return (
            "mariadbd", "--no-defaults", f"--user={self._user}",
            f"--datadir={self.directory}/data", f"--socket={self._socket}",
            f"--port={self.port}", "--bind-address=127.0.0.1",
            f"--pid-file={self.directory}/pid", f"--tmpdir={self.directory}",
            "--skip-name-resolve", "--skip-log-bin", "--innodb-buffer-pool-size=64M",
            "--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci",
            "--default-time-zone=+00:00",
        )  # fmt: skip

    def ready(self) -> bool:
        ping = ("mariadb-admin", "--no-defaults", "-uroot", f"--socket={self._socket}", "ping")
        return subprocess.run(ping, capture_output=True, check=False).returncode == 0

    def execute(self, statement: str) -> str:
        """Run SQL as root; tab-separated rows."""
        return subprocess.run(
            ["mariadb", "--no-defaults", "-uroot", f"--socket={self._socket}", "-N", "-B"],
            input=statement, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    def database(self) -> str:
        """The address of a new empty database, in the form of the seed's ``DataSource``."""
        name = f"tusd_{secrets.token_hex(6)}"
        self.execute(
            f"CREATE DATABASE {name} CHARACTER SET utf8mb4;"
            "CREATE USER IF NOT EXISTS 'tusd'@'127.0.0.1' IDENTIFIED BY 'secret@1';"
            f"GRANT ALL ON {name}.* TO 'tusd'@'127.0.0.1';"
        )
        return f"tusd:secret@1@tcp(127.0.0.1:{self.port})/{name}?charset=utf8mb4&parseTime=True"


class RabbitMq(Service):
    """rabbitmq-server with its own epmd."""

    def __init__(self) -> None:
        super().__init__("rabbitmq")
        self._dist_port = free_port()
        self._epmd_port = free_port()
        self._epmd: subprocess.Popen[bytes] | None = None
        self._node = f"tusd{self.port}@localhost"
        (self.directory / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            "loopback_users = none\nlog.console = true\nlog.console.level = warning\n"
            "log.file = false\nvm_memory_high_watermark.absolute = 1GiB\n"
            "disk_free_limit.absolute = 50MB\n"
        )
        (self.directory / "enabled_plugins").write_text("[].\n")
        cookie = self.directory / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(12))
        cookie.chmod(0o400)

    def command(self) -> Sequence[str]:
        # Not the wrapper in /usr/sbin, which changes users.
        return ("/usr/lib/rabbitmq/bin/rabbitmq-server",)

    def environment(self) -> Mapping[str, str]:
        folder = str(self.directory)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": folder,
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            # Schedulers that do not spin, and no epmd daemon that outlives us.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none -start_epmd false "
                "-kernel inet_dist_use_interface {127,0,0,1}"
            ),
        }

    def launch(self) -> None:
        if self._epmd is None or self._epmd.poll() is not None:
            self._epmd = spawn(
                ("epmd", "-port", str(self._epmd_port), "-address", "127.0.0.1"),
                self.environment(), self.directory, self.log,
            )  # fmt: skip
        super().launch()

    def ready(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), 0.5) as connection:
            connection.settimeout(1)
            connection.sendall(b"AMQP\0\0\x09\x01")
            return connection.recv(7)[:1] == b"\x01"

    def control_command(self) -> list[str]:
        """rabbitmqctl, in ``environment``."""
        return ["/usr/lib/rabbitmq/bin/rabbitmqctl", "-n", self._node]

    def control(self, *arguments: str) -> str:
        """rabbitmqctl."""
        return subprocess.run(
            [*self.control_command(), "-q", *arguments],
            env=self.environment(), capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    def virtual_host(self) -> str:
        """A new virtual host of the user guest."""
        name = f"test-{secrets.token_hex(6)}"
        self.control("add_vhost", name)
        self.control("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
        return name

    def url(self, virtual_host: str) -> str:
        """The address of a virtual host."""
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{virtual_host}"

    def close(self) -> None:
        super().close()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
