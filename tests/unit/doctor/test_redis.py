"""Tests what Redis reports about itself, and what it means."""

from dataclasses import replace

import pytest
from support.findings import NOTE, PROBLEM, WARNING, Levels, levels

from tusd_py.doctor.redis import RedisFacts, judge_redis

MIB = 1 << 20
VIEW = RedisFacts(
    info={"redis_version": "7.2.4", "role": "master", "maxmemory": "0", "used_memory": "1000",
          "maxmemory_policy": "noeviction", "rdb_last_bgsave_status": "ok",
          "cluster_enabled": "0", "connected_clients": "3"},
    configuration={"save": "3600 1", "appendonly": "no", "maxclients": "10000"},
    missing=(),
)  # fmt: skip


@pytest.mark.parametrize(
    ("info", "configuration", "expected"),
    [
        ({}, {}, {}),
        ({"redis_version": "5.0.14"}, {}, {"redis.version": PROBLEM}),
        ({"redis_version": ""}, {}, {"redis.version": NOTE}),
        ({"maxmemory_policy": "allkeys-lru"}, {}, {}),
        ({"maxmemory_policy": "allkeys-lru", "maxmemory": f"{MIB}"}, {},
         {"redis.eviction": WARNING}),
        ({"maxmemory_policy": "noeviction", "maxmemory": f"{MIB}"}, {},
         {"redis.eviction": WARNING}),
        ({"maxmemory_policy": "volatile-ttl", "maxmemory": f"{MIB}"}, {}, {}),
        ({"maxmemory_policy": "volatile-ttl", "maxmemory": f"{MIB}", "used_memory": f"{MIB - 1}"},
         {}, {"redis.memory": WARNING}),
        ({}, {"save": ""}, {"redis.persistence": NOTE}),
        ({}, {"save": "", "appendonly": "yes"}, {}),
        ({"role": "slave"}, {}, {"redis.writes": PROBLEM}),
        ({"cluster_enabled": "1"}, {}, {"redis.writes": PROBLEM}),
        ({"rdb_last_bgsave_status": "err"}, {}, {"redis.writes": WARNING}),
        ({}, {"maxclients": "50"}, {"redis.connections": WARNING}),
        ({"connected_clients": "9990"}, {}, {"redis.connections": WARNING}),
    ],
    ids=str,
)  # fmt: skip
def test_redis(info: dict[str, str], configuration: dict[str, str], expected: Levels) -> None:
    facts = replace(
        VIEW,
        info={**VIEW.info, **info},
        configuration={**VIEW.configuration, **configuration},
    )
    assert levels(judge_redis(facts)) == expected


def test_a_redis_that_hides_its_configuration_is_judged_by_the_rest() -> None:
    assert levels(judge_redis(replace(VIEW, configuration={}))) == {}
    assert levels(judge_redis(replace(VIEW, missing=["EVAL"]))) == {"redis.rights": PROBLEM}


def test_levels_of_redis_never_call_a_view_a_lost_upload() -> None:
    """Redis is a view: what it may lose is a warning at most."""
    info = {**VIEW.info, "maxmemory": f"{MIB}", "maxmemory_policy": "allkeys-random"}
    configuration = {**VIEW.configuration, "save": ""}
    findings = judge_redis(replace(VIEW, info=info, configuration=configuration))
    assert PROBLEM not in levels(findings).values()
