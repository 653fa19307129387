"""Tests which locations of a new upload lead back to the server."""

import pytest
from support.findings import OK, PROBLEM, WARNING, level

from tusd_py.doctor.deployment.location import judge_location, judge_offset_request
from tusd_py.doctor.findings import Level


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://a.example/up/files/1", OK),
        ("https://a.example:443/up/files/1", OK),
        ("https://A.example/up/files/1", OK),
        ("/up/files/1", WARNING),
        ("http://a.example/up/files/1", PROBLEM),
        ("//a.example/up/files/1", OK),
        ("https://backend/up/files/1", PROBLEM),
        ("https://a.example:8888/up/files/1", PROBLEM),
        ("https://a.example/files/1", PROBLEM),
        ("/files/1", PROBLEM),
    ],
)
def test_location(location: str, expected: Level) -> None:
    assert level(judge_location("https://a.example/up/files/", location)) is expected


@pytest.mark.parametrize(("status", "remedy"), [(409, "proxy_cache"), (404, "base_path")])
def test_a_head_that_is_answered_otherwise(status: int, remedy: str) -> None:
    found = judge_offset_request(status)
    assert level(found) is PROBLEM
    assert remedy in found.remedy
