"""What MySQL, Redis and RabbitMQ report about themselves, and what it means: tables."""

from dataclasses import replace
from typing import Any

import pytest
from pika.exceptions import (
    AMQPConnectionError,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)
from support.findings import Levels, levels

from tusd_py.catalog.migrate import HEAD
from tusd_py.doctor import mysql, rabbitmq
from tusd_py.doctor.consumer_timeout import (
    ConsumerTimeout,
    judge_consumer_timeout,
    parse_answer,
)
from tusd_py.doctor.findings import Level
from tusd_py.doctor.mysql import MysqlFacts, judge_mysql
from tusd_py.doctor.rabbitmq import BrokerFacts, judge_broker
from tusd_py.doctor.redis import RedisFacts, judge_redis

NOTE, WARNING, PROBLEM = Level.NOTE, Level.WARNING, Level.PROBLEM


DATABASE = MysqlFacts(
    version="8.0.36",
    variables={
        "character_set_database": "utf8mb4", "sql_mode": "STRICT_TRANS_TABLES,NO_ZERO_DATE",
        "innodb_flush_log_at_trx_commit": "1", "max_connections": "151", "read_only": "OFF",
        "log_bin": "ON", "binlog_format": "ROW", "sync_binlog": "1",
    },
    missing=(), revision=HEAD, ahead_seconds=0.2,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {}),
        ({"version": "10.11.6-MariaDB-0+deb12u1"}, {}),
        ({"version": "5.5.5-10.6.12-MariaDB-log"}, {}),
        ({"version": "10.5.23-MariaDB"}, {"mysql.version": PROBLEM}),
        ({"version": "5.7.44"}, {"mysql.version": PROBLEM}),
        ({"version": "unheard"}, {"mysql.version": PROBLEM}),
        ({"missing": ["CREATE"]}, {"mysql.rights": PROBLEM}),
        ({"missing": ["DELETE", "DROP"], "revision": None}, {"mysql.rights": PROBLEM}),
        ({"revision": None}, {"mysql.schema": NOTE}),
        ({"revision": "0000"}, {"mysql.schema": NOTE}),
        ({"revision": "9999"}, {"mysql.schema": PROBLEM}),
        ({"ahead_seconds": 31}, {"mysql.clock": WARNING}),
        ({"ahead_seconds": -31}, {"mysql.clock": WARNING}),
    ],
    ids=str,
)
def test_mysql(changed: dict[str, Any], expected: Levels) -> None:
    assert levels(judge_mysql(replace(DATABASE, **changed), durable=True)) == expected


@pytest.mark.parametrize(
    ("variables", "durable", "expected"),
    [
        ({"innodb_flush_log_at_trx_commit": "2"}, True, {"mysql.durability": WARNING}),
        ({"innodb_flush_log_at_trx_commit": "2"}, False, {}),
        ({"sync_binlog": "0"}, True, {"mysql.durability": NOTE}),
        ({"sync_binlog": "0", "log_bin": "OFF"}, True, {}),
        ({"sql_mode": "NO_ZERO_DATE"}, True, {"mysql.mode": WARNING}),
        ({"character_set_database": "latin1"}, True, {"mysql.charset": NOTE}),
        ({"max_connections": "20"}, True, {"mysql.connections": WARNING}),
        ({"binlog_format": "STATEMENT"}, True, {"mysql.writes": PROBLEM}),
        ({"binlog_format": "STATEMENT", "log_bin": "OFF"}, True, {}),
    ],
    ids=str,
)
def test_variables_of_mysql(variables: dict[str, str], durable: bool, expected: Levels) -> None:
    facts = replace(DATABASE, variables={**DATABASE.variables, **variables})
    assert levels(judge_mysql(facts, durable=durable)) == expected


def test_a_replica_of_mysql_has_one_finding_and_no_untried_rights() -> None:
    variables = {**DATABASE.variables, "read_only": "ON"}
    findings = judge_mysql(replace(DATABASE, variables=variables, missing=None), durable=True)
    assert levels(findings) == {"mysql.writes": PROBLEM}
    assert "mysql.rights" not in {one.check for one in findings}


@pytest.mark.parametrize("code", [1045, 1044, 1049, 1040, 1129, 1130, 1698, 2003, 0])
def test_every_failed_connection_to_mysql_has_its_remedy(code: int) -> None:
    found = mysql.judge_failure(code)
    assert levels([found]) == {"mysql.reachable": PROBLEM}


def test_failed_connections_to_mysql_are_distinguished() -> None:
    assert len({mysql.judge_failure(code).sentence for code in (1045, 1049, 2003)}) == 3


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
        ({"maxmemory_policy": "volatile-ttl", "maxmemory": f"{MIB}"}, {},
         {"redis.eviction": WARNING}),
        ({"maxmemory": f"{MIB}"}, {}, {}),
        ({"maxmemory": f"{MIB}", "used_memory": f"{MIB - 1}"}, {}, {"redis.memory": WARNING}),
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


BROKER = BrokerFacts(
    product="RabbitMQ", version="3.13.7", cluster="rabbit@mq", topology="ours", missing=(),
    blocked=False,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, {}),
        ({"version": "4.0.2"}, {}),
        ({"version": "3.10.0"}, {}),
        ({"version": "3.9.29"}, {"rabbitmq.version": PROBLEM}),
        ({"version": "?"}, {"rabbitmq.version": PROBLEM}),
        ({"product": "LavinMQ"}, {"rabbitmq.version": NOTE}),
        ({"topology": "absent"}, {"rabbitmq.queues": NOTE}),
        ({"topology": "different"}, {"rabbitmq.queues": PROBLEM}),
        ({"topology": "refused"}, {"rabbitmq.queues": PROBLEM}),
        ({"missing": ["write"]}, {"rabbitmq.rights": PROBLEM}),
        ({"missing": ["configure"]}, {"rabbitmq.rights": NOTE}),
        ({"missing": ["configure"], "topology": "absent"},
         {"rabbitmq.rights": PROBLEM, "rabbitmq.queues": NOTE}),
        ({"blocked": True}, {"rabbitmq.alarm": PROBLEM}),
    ],
    ids=str,
)  # fmt: skip
def test_rabbitmq(changed: dict[str, Any], expected: Levels) -> None:
    facts = replace(BROKER, **changed)
    assert levels(judge_broker(facts, user="tusd", vhost="/")) == expected


def test_failed_connections_to_rabbitmq_are_distinguished() -> None:
    errors = [
        ProbableAuthenticationError(""),
        ProbableAccessDeniedError(""),
        AMQPConnectionError(),
        OSError(),
    ]
    findings = [rabbitmq.judge_failure(error) for error in errors]
    assert [levels([one]) for one in findings] == [{"rabbitmq.reachable": PROBLEM}] * 4
    assert len({one.sentence for one in findings}) == 3


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{<<"rabbit@mq">>,{ok,1800000}}\n',
         ConsumerTimeout(cluster="rabbit@mq", milliseconds=1_800_000)),
        ('{<<"a">>,\n {ok,undefined}}', ConsumerTimeout(cluster="a", milliseconds=None)),
        ('{<<"a">>,undefined}', ConsumerTimeout(cluster="a", milliseconds=None)),
        ("Error: unable to perform an operation on node", None),
        ("", None),
    ],
)  # fmt: skip
def test_rabbitmqctls_answer_is_read(answer: str, expected: ConsumerTimeout | None) -> None:
    assert parse_answer(answer) == expected


@pytest.mark.parametrize(
    ("cluster", "milliseconds", "level"),
    [
        ("ours", 1_800_000, Level.OK),
        ("ours", 60_000, Level.OK),
        ("ours", 59_999, PROBLEM),
        ("ours", None, Level.OK),
        ("ours", 0, Level.OK),
        ("another", 10_000, NOTE),
    ],
)
def test_consumer_time_out(cluster: str, milliseconds: int | None, level: Level) -> None:
    timeout = ConsumerTimeout(cluster=cluster, milliseconds=milliseconds)
    assert judge_consumer_timeout(timeout, cluster="ours").level is level


def test_an_unknown_consumer_timeout_is_a_note_with_a_command_to_find_it() -> None:
    found = judge_consumer_timeout(None, cluster="ours")
    assert found.level is NOTE
    assert "--rabbitmqctl" in found.remedy


def test_levels_of_redis_never_call_a_view_a_lost_upload() -> None:
    """Redis is a view: what it may lose is a warning at most."""
    info = {**VIEW.info, "maxmemory": f"{MIB}", "maxmemory_policy": "allkeys-random"}
    configuration = {**VIEW.configuration, "save": ""}
    findings = judge_redis(replace(VIEW, info=info, configuration=configuration))
    assert PROBLEM not in levels(findings).values()
