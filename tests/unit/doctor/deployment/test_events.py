"""Tests what is found by the events that arrive."""

import pytest
from support.findings import OK, PROBLEM, WARNING, level

from tusd_py.doctor.deployment.events import EventLog, judge_events
from tusd_py.doctor.findings import Level


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (EventLog(snapshot=True, change=True, encoding=""), OK),
        (EventLog(snapshot=True, change=True, encoding="gzip"), WARNING),
        (EventLog(snapshot=True, change=False, encoding=""), PROBLEM),
        (EventLog(snapshot=False, change=False, encoding="gzip"), PROBLEM),
    ],
)
def test_events(received: EventLog, expected: Level) -> None:
    assert level(judge_events(received)) is expected
