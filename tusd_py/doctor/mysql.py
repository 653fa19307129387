"""Check the catalog's database: whether it can be used, and keeps what it acknowledges."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from tusd_py.catalog.database import Database
from tusd_py.catalog.migrate import HEAD
from tusd_py.catalog.mysql import mysql_url
from tusd_py.clock import Clock
from tusd_py.doctor.findings import Finding, note, ok, problem, warning
from tusd_py.settings.model import Settings

PREFIX: Final = "tusd_doctor_"
OLDEST: Final[Mapping[str, tuple[int, int]]] = {"MySQL": (8, 0), "MariaDB": (10, 6)}
"""The first version with SKIP LOCKED (docs/decisions/0013)."""
POOL_CONNECTIONS: Final = 16
"""The connections that one process may open (``catalog.database``)."""
FEW_CONNECTIONS: Final = 3 * POOL_CONNECTIONS
CLOCK_SECONDS: Final = 30.0
_NUMBER: Final = re.compile(r"(?:5\.5\.5-)?(\d+)\.(\d+)")
"""Some clients see MariaDB's version after a version of MySQL."""
_REFUSED: Final = (1044, 1142, 1227, 1370)
"""Access denied: database, table, privilege, routine."""
_VARIABLES: Final = (
    "character_set_database", "sql_mode", "innodb_flush_log_at_trx_commit", "max_connections",
    "read_only", "log_bin", "binlog_format", "sync_binlog",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class MysqlFacts:
    """Facts that a server reports about itself."""

    version: str
    variables: Mapping[str, str]
    missing: Sequence[str] | None
    """Rights that were tried and refused; None: nothing can be tried."""
    revision: str | None
    """The revision of the schema; None: there is none yet, or rights are missing."""
    ahead_seconds: float
    """The seconds by which its clock is ahead of ours."""


def check_mysql(settings: Settings, clock: Clock) -> list[Finding]:
    """Read the facts and return the findings.

    The only change is a table of the doctor, which is dropped again.
    """
    try:
        url = mysql_url(settings.mysql.data_source.get_secret_value())
    except ValueError as error:
        return [
            problem(
                "mysql.address",
                f"mysql.data_source is {error}.",
                "Write user:password@tcp(host:3306)/database.",
            )
        ]
    database = Database(url)
    try:
        try:
            connection = database.engine.connect()
        except DBAPIError as error:
            return [judge_failure(_code(error))]
        with connection:
            facts = _read_facts(connection, clock)
    finally:
        database.close()
    return judge_mysql(facts, durable=settings.durability != "off")


def _code(error: DBAPIError) -> int:
    arguments: tuple[object, ...] = getattr(error.orig, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


def judge_failure(code: int) -> Finding:
    """Return why there is no connection, by the number of the error."""
    reasons = {
        1045: ("The login was refused.", "Set user and password in mysql.data_source; GRANT them."),
        1698: ("The login was refused.", "Give the user a password: IDENTIFIED BY."),
        1044: ("The user may not use the database.", "GRANT ALL ON database.* TO the user."),
        1049: ("The database does not exist.", "CREATE DATABASE … CHARACTER SET utf8mb4."),
        1040: ("The server has no connection left.", "Raise max_connections."),
        1129: ("The server has blocked this machine.", "mysqladmin flush-hosts on the server."),
        1130: ("The server refuses this machine.", "CREATE USER for this host, or for '%'."),
    }
    unreachable = (
        "The server can't be reached.",
        "Start it, and look at host, port and firewall; mysql.data_source names them.",
    )
    sentence, remedy = reasons.get(code, unreachable)
    return problem("mysql.reachable", sentence, remedy)


def _read_facts(connection: Connection, clock: Clock) -> MysqlFacts:
    def query(statement: str) -> str:
        return str(connection.exec_driver_sql(statement).scalar())

    shown = connection.exec_driver_sql("SHOW VARIABLES").all()
    variables = {str(name): str(value) for name, value in shown if name in _VARIABLES}
    before = clock.now()
    theirs = float(query("SELECT UNIX_TIMESTAMP(NOW(6))"))
    ahead = theirs - (before + clock.now()) / 2
    missing = None if _read_only(variables) else _missing_rights(connection)
    revision = None
    if not missing and connection.exec_driver_sql("SHOW TABLES LIKE 'alembic_version'").first():
        revision = query("SELECT version_num FROM alembic_version")
    return MysqlFacts(
        version=query("SELECT VERSION()"),
        variables=variables,
        revision=revision,
        missing=missing,
        ahead_seconds=ahead,
    )


def _missing_rights(connection: Connection) -> list[str]:
    """Try each right on a table of the doctor; without CREATE nothing else can be tried."""
    table = f"{PREFIX}{secrets.token_hex(8)}"
    if not _is_allowed(connection, f"CREATE TABLE {table} (id INT PRIMARY KEY) ENGINE=InnoDB"):
        return ["CREATE"]
    steps = {
        "ALTER": f"ALTER TABLE {table} ADD COLUMN value INT",
        "INDEX": f"CREATE INDEX {table} ON {table} (id)",
        "INSERT": f"INSERT INTO {table} (id) VALUES (1)",  # noqa: S608  (the name is ours)
        "SELECT": f"SELECT id FROM {table} FOR UPDATE SKIP LOCKED",  # noqa: S608
        "UPDATE": f"UPDATE {table} SET id = 2",  # noqa: S608
        "DELETE": f"DELETE FROM {table}",  # noqa: S608
    }
    try:
        missing = [right for right, step in steps.items() if not _is_allowed(connection, step)]
    finally:
        # DROP would wait for our own locks on the table.
        connection.rollback()
        dropped = _is_allowed(connection, f"DROP TABLE {table}")
    return missing if dropped else [*missing, "DROP"]


def _is_allowed(connection: Connection, statement: str) -> bool:
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if _code(error) in _REFUSED:
            return False
        raise
    return True


def judge_mysql(facts: MysqlFacts, *, durable: bool) -> list[Finding]:
    """Return the findings. Args: durable: the settings guarantee that acknowledged uploads stay."""
    return [
        _version(facts.version),
        *_rights(facts.missing),
        *_writes(facts.variables),
        *_durability(facts.variables, durable=durable),
        *_texts(facts.variables),
        *_connections(facts.variables),
        _clock(facts.ahead_seconds),
        *([] if facts.missing else [_schema(facts.revision)]),
    ]


def _version(version: str) -> Finding:
    product = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    number = _NUMBER.match(version)
    oldest = OLDEST[product]
    if number is None or (int(number[1]), int(number[2])) < oldest:
        return problem(
            "mysql.version",
            f"{product} {version.partition('-')[0]} has no SKIP LOCKED.",
            f"Use {product} {oldest[0]}.{oldest[1]} or newer.",
        )
    return ok("mysql.version", f"{product} {number[1]}.{number[2]}.")


def _rights(missing: Sequence[str] | None) -> list[Finding]:
    if missing is None:
        return []
    if not missing:
        return [ok("mysql.rights", "The user may do all that the catalog needs.")]
    untried = ", so its other rights were not tried" if "CREATE" in missing else ""
    left = f"; drop the table whose name begins with {PREFIX}" if "DROP" in missing else ""
    return [
        problem(
            "mysql.rights",
            f"The user lacks {', '.join(missing)}{untried}.",
            "GRANT CREATE, ALTER, INDEX, DROP, SELECT, INSERT, UPDATE, DELETE ON database.* TO the "
            f"user{left}.",
        )
    ]


def _read_only(variables: Mapping[str, str]) -> bool:
    return variables.get("read_only", "OFF") in ("ON", "1")


def _writes(variables: Mapping[str, str]) -> list[Finding]:
    if _read_only(variables):
        return [
            problem(
                "mysql.writes",
                "The server is read-only, as a replica is.",
                "Set mysql.data_source to the primary.",
            )
        ]
    binary = variables.get("log_bin") in ("ON", "1")
    if binary and variables.get("binlog_format") == "STATEMENT":
        return [
            problem(
                "mysql.writes",
                "binlog_format is STATEMENT, with which the server refuses writes at READ "
                "COMMITTED.",
                "SET GLOBAL binlog_format = ROW.",
            )
        ]
    return []


def _durability(variables: Mapping[str, str], *, durable: bool) -> list[Finding]:
    flush = variables.get("innodb_flush_log_at_trx_commit", "1")
    if durable and flush != "1":
        return [
            warning(
                "mysql.durability",
                f"innodb_flush_log_at_trx_commit is {flush}: a crash of the machine loses the last "
                "second of acknowledged uploads.",
                "SET GLOBAL innodb_flush_log_at_trx_commit = 1.",
            )
        ]
    binary = variables.get("log_bin") in ("ON", "1")
    if durable and binary and variables.get("sync_binlog", "1") == "0":
        return [
            note(
                "mysql.durability",
                "sync_binlog is 0: after a crash of the machine replicas may lack the last "
                "commits.",
                "SET GLOBAL sync_binlog = 1.",
            )
        ]
    return [ok("mysql.durability", "A commit is on the disk when it is acknowledged.")]


def _texts(variables: Mapping[str, str]) -> list[Finding]:
    found = []
    if "STRICT_" not in variables.get("sql_mode", "STRICT_"):
        found.append(
            warning(
                "mysql.mode",
                "sql_mode is not strict: a text that is too long is cut without a word.",
                "SET GLOBAL sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES').",
            )
        )
    charset = variables.get("character_set_database", "utf8mb4")
    if charset != "utf8mb4":
        found.append(
            note(
                "mysql.charset",
                f"The database's own character set is {charset}; our tables set utf8mb4 "
                "themselves.",
                "ALTER DATABASE … CHARACTER SET utf8mb4.",
            )
        )
    return found


def _connections(variables: Mapping[str, str]) -> list[Finding]:
    most = int(variables.get("max_connections", FEW_CONNECTIONS))
    if most >= FEW_CONNECTIONS:
        return []
    return [
        warning(
            "mysql.connections",
            f"max_connections is {most}, and each server and worker may open {POOL_CONNECTIONS}.",
            f"Set max_connections to {POOL_CONNECTIONS} for each process, and some more.",
        )
    ]


def _clock(ahead_seconds: float) -> Finding:
    if abs(ahead_seconds) <= CLOCK_SECONDS:
        return ok("mysql.clock", "Its clock agrees with this machine's.")
    side = "before" if ahead_seconds > 0 else "behind"
    return warning(
        "mysql.clock",
        f"Its clock is {abs(ahead_seconds):.0f} s {side} this machine's. Leases go by it and hold; "
        "times in logs, and links that are signed here, do not agree.",
        "Run NTP on both.",
    )


def _schema(revision: str | None) -> Finding:
    if revision == HEAD:
        return ok("mysql.schema", f"The schema is that of this version ({HEAD}).")
    if revision is None:
        return note(
            "mysql.schema",
            "The database is empty.",
            "Nothing to do: the first process that starts makes the tables.",
        )
    if revision < HEAD:
        return note(
            "mysql.schema",
            f"The schema ({revision}) is older than this version's ({HEAD}).",
            "Back it up; the first process of this version brings it up to date.",
        )
    return problem(
        "mysql.schema",
        f"The schema ({revision}) is newer than this version's ({HEAD}).",
        "Run the version of tusd-py that made it.",
    )
