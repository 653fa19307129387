"""Tests what rabbitmqctl's answer about a time limit means."""

import pytest
from support.findings import NOTE, PROBLEM

from tusd_py.doctor.consumer_timeout import (
    ConsumerTimeout,
    judge_consumer_timeout,
    parse_answer,
)
from tusd_py.doctor.findings import Level


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
