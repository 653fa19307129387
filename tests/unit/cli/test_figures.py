"""Sizes are decimal, as on the page; times are local."""

import time

import pytest

from tusd_py.cli.figures import duration_text, local_time, size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_049, "1 kB"), (18_240_000, "18.2 MB"),
     (999_949, "999.9 kB"), (999_950, "1 MB"), (10**9, "1 GB"), (2_500_000_000_000, "2.5 TB"),
     (10**16, "10000 TB")],
)  # fmt: skip
def test_a_size_is_decimal(size: int, text: str) -> None:
    assert size_text(size) == text


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
