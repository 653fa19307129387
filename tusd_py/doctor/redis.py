"""Check the Redis of the live view.

What it loses is made again from the catalog, so that most findings are warnings: progress may jump
or stop, but no upload is lost.
"""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import redis

from tusd_py.doctor.findings import Finding, note, ok, problem, warning
from tusd_py.domain.ids import UploadId
from tusd_py.locks.redis import CHANNEL
from tusd_py.redis_client import POOL_CONNECTIONS, connect
from tusd_py.settings.model import Settings
from tusd_py.tasks.redis import channel, task_key

OLDEST: Final = (6, 0)
RIGHT_POLICY: Final = "volatile-ttl"
FULL_SHARE: Final = 0.9
CONNECTIONS_PER_PROCESS: Final = 2 * POOL_CONNECTIONS + 2
"""View and lock each have a pool, and a connection for Pub/Sub."""
FEW_CONNECTIONS: Final = 3 * CONNECTIONS_PER_PROCESS
_NUMBER: Final = re.compile(r"(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisFacts:
    """Facts that a server reports about itself."""

    info: Mapping[str, str]
    """The fields of INFO."""
    configuration: Mapping[str, str]
    """The answer to CONFIG GET; empty if we have no right to it."""
    missing: Sequence[str]
    """Commands that were tried and refused."""


def check_redis(settings: Settings) -> list[Finding]:
    """Read the facts and return the findings; its keys expire in seconds and are removed."""
    client = connect(settings.redis.url())
    try:
        try:
            client.ping()
        except (redis.AuthenticationError, redis.exceptions.NoPermissionError):
            return [
                problem(
                    "redis.reachable",
                    "The password was refused, or is missing.",
                    "Set redis.password to what requirepass or the ACL says.",
                )
            ]
        except redis.exceptions.ResponseError:
            return [
                problem(
                    "redis.reachable",
                    "It answers, and takes no commands on this database.",
                    "Set redis.db to a database that exists; wait until it has loaded its data.",
                )
            ]
        except redis.RedisError:
            return [
                problem(
                    "redis.reachable",
                    "The server can't be reached.",
                    "Start it, and look at redis.addr and the firewall.",
                )
            ]
        return judge_redis(_read_facts(client))
    finally:
        client.close()


def _read_facts(client: Any) -> RedisFacts:  # noqa: ANN401  (see redis_client)
    info = _answer_if_allowed(client.info) or {}
    configuration = _answer_if_allowed(lambda: client.config_get("*")) or {}
    return RedisFacts(
        info={name: str(value) for name, value in info.items()},
        configuration={name: str(value) for name, value in configuration.items()},
        missing=_missing_rights(client),
    )


def _answer_if_allowed(command: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Return the answer; None if we have no right to it, as with managed services."""
    try:
        return command()
    except redis.exceptions.ResponseError:
        return None


def _missing_rights(client: Any) -> list[str]:  # noqa: ANN401
    name = UploadId(f"tusd-doctor-{secrets.token_hex(8)}")
    key, members = task_key(name), f"user_upload_tasks:{name}"
    tries: Mapping[str, Callable[[], object]] = {
        "EVAL": lambda: client.eval("return 1", 0),
        "HSET": lambda: client.hset(key, "status", "tusd-doctor"),
        "EXPIRE": lambda: client.expire(key, 10),
        "HGETALL": lambda: client.hgetall(key),
        "ZADD": lambda: client.zadd(members, {name: 1}),
        "ZREVRANGE": lambda: client.zrevrange(members, 0, 1),
        "DEL": lambda: client.delete(key, members),
        "PUBLISH": lambda: (client.publish(channel(name), ""), client.publish(CHANNEL, "")),
        "PSUBSCRIBE": lambda: _subscribe(client),
    }
    missing = []
    for command, attempt in tries.items():
        try:
            attempt()
        except redis.exceptions.NoPermissionError:
            missing.append(command)
        except redis.exceptions.ResponseError:
            # INFO shows the reason: a replica, a full memory, or a failed snapshot.
            continue
    return missing


def _subscribe(client: Any) -> None:  # noqa: ANN401
    with client.pubsub() as pubsub:
        pubsub.psubscribe(channel(UploadId("*")))
        pubsub.get_message(timeout=1)


def judge_redis(facts: RedisFacts) -> list[Finding]:
    """Return the findings."""
    return [
        *_version(facts.info),
        *_rights(facts.missing),
        *_writes(facts.info),
        *_memory(facts),
        *_persistence(facts),
        *_connections(facts),
    ]


def _version(info: Mapping[str, str]) -> list[Finding]:
    number = _NUMBER.match(info.get("redis_version", ""))
    if number is None:
        return [
            note(
                "redis.version",
                "It does not report its version.",
                "Allow INFO, so that more can be checked.",
            )
        ]
    if (int(number[1]), int(number[2])) < OLDEST:
        return [
            problem(
                "redis.version",
                f"Redis {number[0]} is too old.",
                f"Use Redis {OLDEST[0]} or newer.",
            )
        ]
    return [ok("redis.version", f"Redis {number[0]}.")]


def _rights(missing: Sequence[str]) -> list[Finding]:
    if not missing:
        return [ok("redis.rights", "The user may do all that view and locks need.")]
    return [
        problem(
            "redis.rights",
            f"The user may not {', '.join(missing)}.",
            "ACL SETUSER … ~file_upload_task:* ~user_upload_tasks:* &file_upload_* +@read +@write "
            "+@pubsub +@scripting +@connection",
        )
    ]


def _writes(info: Mapping[str, str]) -> list[Finding]:
    found = []
    if info.get("role", "master") != "master":
        found.append(
            problem(
                "redis.writes",
                "The server is a replica, which takes no writes.",
                "Set redis.addr to the primary.",
            )
        )
    if info.get("cluster_enabled") == "1":
        found.append(
            problem(
                "redis.writes",
                "The server is part of a cluster, and our script's keys lie in several slots.",
                "Use a Redis that is none.",
            )
        )
    if info.get("rdb_last_bgsave_status", "ok") != "ok":
        found.append(
            warning(
                "redis.writes",
                "Its last snapshot failed: by default it takes no writes until one succeeds.",
                "Free disk or memory on its machine; see its log.",
            )
        )
    return found


def _memory(facts: RedisFacts) -> list[Finding]:
    """Judge what happens when memory runs out.

    Every key of ours expires, a day after its last change. So with volatile-ttl those go first that
    changed longest ago, which the catalog has; other policies may take the tasks that run.
    """
    most = int(facts.info.get("maxmemory", "0"))
    if most == 0:
        return [ok("redis.eviction", "It never throws keys away for want of memory.")]
    policy = facts.info.get("maxmemory_policy", "noeviction")
    found = []
    if policy != RIGHT_POLICY:
        effect = (
            "tasks stand still in the live view when memory runs out, until old ones expire."
            if policy == "noeviction"
            else "running tasks may vanish from the live view when memory runs short, and their "
            "progress jumps back to what the catalog knows."
        )
        found.append(
            warning(
                "redis.eviction",
                f"maxmemory-policy is {policy}: {effect}",
                f"CONFIG SET maxmemory-policy {RIGHT_POLICY}, and give it memory enough.",
            )
        )
    if int(facts.info.get("used_memory", "0")) > FULL_SHARE * most:
        found.append(
            warning(
                "redis.memory",
                f"{int(facts.info['used_memory']) * 100 // most} % of maxmemory is used.",
                "Raise maxmemory, or give other applications a Redis of their own.",
            )
        )
    return found or [ok("redis.eviction", f"maxmemory-policy is {RIGHT_POLICY}.")]


def _persistence(facts: RedisFacts) -> list[Finding]:
    if "save" not in facts.configuration:
        return []
    if facts.configuration["save"] or facts.configuration.get("appendonly") == "yes":
        return [ok("redis.persistence", "It keeps its keys over a restart.")]
    return [
        note(
            "redis.persistence",
            "It forgets everything with a restart: listeners see tasks as the catalog knows them "
            "until their next step.",
            "Nothing to do; CONFIG SET appendonly yes keeps the finer steps.",
        )
    ]


def _connections(facts: RedisFacts) -> list[Finding]:
    most = int(facts.configuration.get("maxclients") or facts.info.get("maxclients") or 0)
    used = int(facts.info.get("connected_clients", "0"))
    if most == 0 or (most >= FEW_CONNECTIONS and used <= FULL_SHARE * most):
        return []
    return [
        warning(
            "redis.connections",
            f"{used} of {most} connections are used, and each server and worker may open "
            f"{CONNECTIONS_PER_PROCESS}.",
            "Raise maxclients.",
        )
    ]
