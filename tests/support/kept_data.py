"""The kept data of an earlier version (tests/fixtures), restored with times of today.

The data contains times: a task is shown for a day, an unfinished upload is kept for a week. So
every time in it is moved by the age of the data.
"""

import gzip
import io
import json
import os
import sqlite3
import tarfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import redis
from support.services import MariaDb, Redis

KEPT: Final = Path(__file__).parents[1] / "fixtures" / "data_of_before"
FIRST_TIME: Final = 1e9
"""Numbers from here on are times in unix seconds: no other number in the data is as large."""


def manifest() -> dict[str, Any]:
    """Return what is kept, as it was seen by HTTP when it was made."""
    found: dict[str, Any] = json.loads((KEPT / "manifest.json").read_text("utf-8"))
    return found


def restore_directory(kind: str, data: Path, made_at: float) -> None:
    """Restore the data directory of a deployment, ``embedded`` or ``distributed``."""
    age = time.time() - made_at  # noqa: TID251
    packed = gzip.decompress((KEPT / f"{kind}.tar.gz").read_bytes())
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(data, filter="fully_trusted")
    for path in data.rglob("*"):
        moved = path.stat().st_mtime + age
        os.utime(path, (moved, moved))
    for path in data.glob("*.sqlite3"):
        with closing(sqlite3.connect(path)) as database:
            _move_sqlite(database, age)


def _move_sqlite(database: sqlite3.Connection, age: float) -> None:
    with database:
        for (table,) in database.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            for _, column, kind, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall():
                if kind in ("DOUBLE", "REAL"):
                    database.execute(
                        f'UPDATE "{table}" SET "{column}" = "{column}" + ? WHERE "{column}" > ?',
                        (age, FIRST_TIME),
                    )
                elif kind == "DATETIME":
                    database.execute(
                        f'UPDATE "{table}" SET "{column}" = '
                        f"strftime('%Y-%m-%d %H:%M:%S.000000', \"{column}\", ?)",
                        (f"+{int(age)} seconds",),
                    )


def restore_mysql(mariadb: MariaDb, database: str, made_at: float) -> None:
    """Restore the database of the distributed deployment into an empty one."""
    age = time.time() - made_at  # noqa: TID251
    dumped = gzip.decompress((KEPT / "distributed.sql.gz").read_bytes()).decode()
    mariadb.execute(f"SET NAMES utf8mb4; USE {database};\n{dumped}")
    columns = mariadb.execute(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        f" WHERE table_schema = '{database}' AND data_type IN ('double', 'datetime')"
    )
    moves = []
    for line in columns.splitlines():
        table, column, kind = line.split("\t")
        if kind == "double":
            value, where = f"`{column}` + {age}", f"WHERE `{column}` > {FIRST_TIME}"
        else:
            value, where = f"`{column}` + INTERVAL {int(age)} SECOND", ""
        moves.append(f"UPDATE {database}.`{table}` SET `{column}` = {value} {where};")
    mariadb.execute("\n".join(moves))


def restore_redis(server: Redis, made_at: float) -> None:
    """Restore the keys of the distributed deployment, each with the time that it had left."""
    age = time.time() - made_at  # noqa: TID251
    kept = json.loads((KEPT / "distributed.redis.json").read_text("utf-8"))
    with closing(redis.Redis.from_url(server.url)) as client:
        for entry in kept:
            key, value = entry["key"], entry["value"]
            match entry["type"]:
                case "hash":
                    fields = {name: _moved(text, age) for name, text in value.items()}
                    client.hset(key, mapping=fields)
                case "zset":
                    client.zadd(key, {member: float(_moved(at, age)) for member, at in value})
                case "string":
                    client.set(key, value)
                case "set":
                    client.sadd(key, *value)
                case "list":
                    client.rpush(key, *value)
            if entry["ttl_ms"] > 0:
                client.pexpire(key, entry["ttl_ms"])


def _moved(text: object, age: float) -> str:
    try:
        value = float(str(text))
    except ValueError:
        return str(text)
    return repr(value + age) if FIRST_TIME < value < 10 * FIRST_TIME else str(text)
