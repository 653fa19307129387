"""Tests what MySQL reports about itself, and what it means."""

from dataclasses import replace
from typing import Any

import pytest
from support.findings import NOTE, PROBLEM, WARNING, Levels, levels

from tusd_py.catalog.migrate import HEAD
from tusd_py.doctor import mysql
from tusd_py.doctor.mysql import MysqlFacts, judge_mysql

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
