"""Tests that sizes and durations are read as people write them."""

import pytest

from tusd_py.domain.quantities import parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("10GiB", 10 << 30), ("500MB", 500_000_000), ("8 KiB", 8192), ("7", 7), ("1.5k", 1536)],
)
def test_sizes_are_written_as_people_do(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"), [("24h", 86400), ("500ms", 0.5), ("90", 90), ("7d", 604800)]
)
def test_durations_are_written_as_people_do(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "10 parsecs", "-5s", "1e9", "ten"])
def test_other_quantities_are_refused(text: str) -> None:
    for parse in (parse_size, parse_duration):
        with pytest.raises(ValueError, match="not a"):
            parse(text)
