"""Reads the address of MySQL 8 or MariaDB, and states how connections to it are opened."""

import re
from typing import Any, Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

CONNECT_SECONDS: Final = 3
ANSWER_SECONDS: Final = 15
"""Longer than any statement here takes: a server that is silent for this time counts as away."""
LOCK_WAIT_SECONDS: Final = 5
IDLE_SECONDS: Final = 20
"""Silence after which the server closes a connection.

The row locks of a process that was stopped inside its transaction end with it, so that others wait
for them less than for its lease.
"""
_DSN: Final = re.compile(
    r"(?P<user>[^:]*):(?P<password>.*)@tcp\((?P<host>[^)]*?)(?::(?P<port>[0-9]+))?\)/(?P<name>[^?]+)(?:\?.*)?"
)


def mysql_url(data_source: str) -> URL:
    """Return the address that ``MySQL.DataSource`` holds.

    It is ``user:password@tcp(host:3306)/database?…`` as the original API's Go driver reads it (its
    parameters are ignored), or ``mysql://user:password@host/database``.

    Raises: ValueError: neither.
    """
    found = _DSN.fullmatch(data_source)
    if found is not None:
        return URL.create(
            "mysql+pymysql",
            username=found["user"],
            password=found["password"],
            host=found["host"],
            port=int(found["port"] or 3306),
            database=found["name"],
            query={"charset": "utf8mb4"},
        )
    try:
        url = make_url(data_source)
    except ArgumentError:
        raise ValueError(
            "not an address: a user, a colon, a password, and then @tcp(host:3306)/database"
        ) from None
    if url.get_backend_name() not in ("mysql", "mariadb") or not url.database:
        raise ValueError("not the address of a MySQL database")
    return url.set(drivername="mysql+pymysql", query={"charset": "utf8mb4"})


CONNECT_ARGUMENTS: Final[dict[str, Any]] = {
    "connect_timeout": CONNECT_SECONDS,
    "read_timeout": ANSWER_SECONDS,
    "write_timeout": ANSWER_SECONDS,
    "init_command": (
        f"SET time_zone='+00:00', innodb_lock_wait_timeout={LOCK_WAIT_SECONDS}, "
        f"wait_timeout={IDLE_SECONDS}"
    ),
}
