"""Tests what the version of clamd means."""

import pytest

from tusd_py.doctor.clamd import judge_clamd
from tusd_py.settings.model import Settings

NOW = 1_790_000_000.0  # 2026-09-21
RECENT, OLD = "Sun Sep 20 08:00:00 2026", "Tue Sep  1 08:00:00 2026"


@pytest.mark.parametrize(
    ("changed", "version", "expected"),
    [
        ({}, f"ClamAV 1.4.3/27750/{RECENT}", ["clamd.limit"]),
        ({"max_size": 1000}, f"ClamAV 1.4.3/27750/{RECENT}", ["clamd"]),
        ({"max_size": 1000}, f"ClamAV 1.4.3/27750/{OLD}", ["clamd.signatures"]),
        ({"max_size": 1000}, "ClamAV 1.4.3", ["clamd"]),
        ({"max_size": 0}, "ClamAV 1.4.3", ["clamd.limit"]),
        ({"scan": {"address": "c:3310", "above_limit": "accept"}}, "ClamAV 1.4.3", ["clamd"]),
    ],
)
def test_the_doctors_findings(
    changed: dict[str, object], version: str, expected: list[str]
) -> None:
    settings = Settings(**{"scan": {"address": "c:3310"}, **changed})
    assert [one.check for one in judge_clamd(settings, version, NOW)] == expected
