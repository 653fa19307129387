"""Tests what is found by the headers of an upload, and by the server's clock."""

from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from support.findings import NOTE, OK, PROBLEM, WARNING, level

from tusd_py.doctor.deployment.headers import Inspection, judge_clock, judge_headers
from tusd_py.doctor.findings import Level

FRESH = Inspection(
    before={"tus-resumable": "1.0.0", "upload-offset": "0", "upload-length": "4",
            "upload-metadata": "filename eA==", "cache-control": "no-store"},
    appended={"upload-offset": "1"},
    after={"upload-offset": "1"},
    metadata="filename eA==",
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, OK),
        ({"after": {"upload-offset": "0"}}, PROBLEM),
        ({"appended": {}}, PROBLEM),
        ({"before": {}}, PROBLEM),
        ({"metadata": "filename eQ=="}, PROBLEM),
        ({"before": {**FRESH.before, "cache-control": "max-age=60"}}, WARNING),
    ],
    ids=str,
)
def test_headers(changed: dict[str, Any], expected: Level) -> None:
    assert level(judge_headers(replace(FRESH, **changed))) is expected


NOON = "Tue, 03 Feb 2026 12:00:00 GMT"
NOON_SECONDS = 1770120000.0


@pytest.mark.parametrize(
    ("date", "expires", "ours", "expected"),
    [
        (NOON, None, NOON_SECONDS + 5, {"clock": OK}),
        (NOON, None, NOON_SECONDS + 7, {"clock": WARNING}),
        (NOON, None, NOON_SECONDS - 7, {"clock": WARNING}),
        (NOON, None, NOON_SECONDS - 301, {"clock": PROBLEM}),
        (None, None, NOON_SECONDS, {"clock": NOTE}),
        ("yesterday", None, NOON_SECONDS, {"clock": NOTE}),
        (NOON, "Tue, 03 Feb 2026 13:00:00 GMT", NOON_SECONDS, {"clock": OK}),
        (NOON, "Tue, 03 Feb 2026 12:00:30 GMT", NOON_SECONDS, {"expires": PROBLEM}),
        (NOON, "soon", NOON_SECONDS, {"clock": OK}),
    ],
)
def test_clock(
    date: str | None, expires: str | None, ours: float, expected: dict[str, Level]
) -> None:
    findings = judge_clock(date, expires, ours)
    assert {one.check: level(one) for one in findings} == expected


@pytest.mark.parametrize(("took", "expected"), [(0.0, WARNING), (20.0, OK)])
def test_a_slow_answer_says_less_about_the_clock(took: float, expected: Level) -> None:
    date = "Thu, 26 Nov 2026 12:00:00 GMT"
    ours = parsedate_to_datetime(date).timestamp() + 10
    (found,) = [
        one for one in judge_clock(date, None, ours, unsure=took / 2) if one.check == "clock"
    ]
    assert found.level is expected
