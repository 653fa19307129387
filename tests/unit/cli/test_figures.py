"""Times are local, and durations have seconds."""

import time

import pytest

from tusd_py.cli.figures import duration_text, local_time


def test_a_time_is_that_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert local_time("2026-11-29T14:23:14Z") == "2026-11-29 22:23"
    finally:
        monkeypatch.undo()
        time.tzset()
    assert local_time("soon") == "soon"


@pytest.mark.parametrize(("seconds", "text"), [(0.2, "0:00"), (61, "1:01"), (3723.4, "1:02:03")])
def test_a_duration_has_seconds(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
