"""Runs mariadbd, and its tools on its private socket."""

import getpass
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

from topology.program import Program

SOCKET_BYTES: Final = 107
"""Longest path of a socket in the kernel."""
_LOGIN: Final = "login.cnf"
"""File from which the tools read the password of root, so that no command line shows it."""
_ACCOUNTS: Final = "accounts.sql"


def socket_path(directory: Path) -> Path:
    """Return the socket by which root logs in, with a password; root can't log in by TCP."""
    return directory / "mariadb.sock"


def install(directory: Path) -> None:
    """Make the system tables, once; it takes some seconds. Raises: CalledProcessError."""
    data, unfinished = directory / "data", directory / "data.new"
    if data.exists():
        return
    shutil.rmtree(unfinished, ignore_errors=True)
    subprocess.run(
        [
            "mariadb-install-db", "--no-defaults", f"--datadir={unfinished}",
            f"--user={getpass.getuser()}", "--auth-root-authentication-method=normal",
            "--skip-test-db", "--skip-name-resolve",
        ],
        check=True, capture_output=True,
        env={**os.environ, "HOME": str(directory), "TMPDIR": str(directory)},
    )  # fmt: skip
    unfinished.rename(data)


def program(directory: Path, port: int, *, root_password: str) -> Program:
    """Return a MariaDB on loopback, whose commits survive a power failure.

    ``install`` must be called first. At every start, before the first connection, the password of
    root is set and accounts without a password are removed: ``mariadb-install-db`` makes some, and
    older directories have some.
    Args: root_password: letters and digits.
    """

    def ready(_pid: int, _output: str) -> bool:
        ping = _tool("mariadb-admin", directory, "ping")
        return subprocess.run(ping, capture_output=True, check=False).returncode == 0

    return Program(
        command=(
            "mariadbd", "--no-defaults", f"--user={getpass.getuser()}",
            f"--datadir={directory}/data", f"--socket={socket_path(directory)}",
            f"--port={port}", "--bind-address=127.0.0.1", f"--pid-file={directory}/pid",
            f"--tmpdir={directory}", "--skip-name-resolve", "--skip-log-bin",
            f"--init-file={directory}/{_ACCOUNTS}",
            "--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=1",
            "--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci",
            "--default-time-zone=+00:00",
        ),
        directory=directory,
        environment=os.environ,
        files={
            _ACCOUNTS: "\n".join(_closed_accounts(root_password)) + "\n",
            _LOGIN: f"[client]\nuser=root\npassword={root_password}\n"
            f"socket=\"{socket_path(directory)}\"\n",
        },
        ready=ready,
    )  # fmt: skip


def _closed_accounts(root_password: str) -> list[str]:
    """Return statements after which root logs in only by the socket, and all need a password."""
    return [
        "DELETE FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND Host != 'localhost');",
        "DELETE FROM mysql.db WHERE User = '' OR Db LIKE 'test%';",
        "FLUSH PRIVILEGES;",
        f"ALTER USER 'root'@'localhost' IDENTIFIED BY '{root_password}';",
    ]


def execute(directory: Path, statement: str) -> str:
    """Run SQL as root; return tab-separated rows. Raises: CalledProcessError."""
    return subprocess.run(
        _tool("mariadb", directory, "-N", "-B"),
        input=statement, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def grant(directory: Path, database: str, *, password: str) -> None:
    """Make an empty database of the user tusd, if it is missing. Raises: CalledProcessError."""
    execute(
        directory,
        f"CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4;"
        f"CREATE USER IF NOT EXISTS 'tusd'@'127.0.0.1' IDENTIFIED BY '{password}';"
        f"GRANT ALL ON {database}.* TO 'tusd'@'127.0.0.1';",
    )


def _tool(name: str, directory: Path, *arguments: str) -> tuple[str, ...]:
    return (name, f"--defaults-file={directory}/{_LOGIN}", *arguments)
