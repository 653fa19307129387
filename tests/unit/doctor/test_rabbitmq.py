"""Tests what RabbitMQ reports about itself, and what it means."""

from dataclasses import replace
from typing import Any

import pytest
from pika.exceptions import (
    AMQPConnectionError,
    ProbableAccessDeniedError,
    ProbableAuthenticationError,
)
from support.findings import NOTE, PROBLEM, Levels, levels

from tusd_py.doctor import rabbitmq
from tusd_py.doctor.rabbitmq import BrokerFacts, judge_broker

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
