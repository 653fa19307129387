"""Sizes are decimal, as on the page."""

import pytest

from tusd_py.domain.sizes import size_text


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1_049, "1 kB"), (1500, "1.5 kB"),
     (999_949, "999.9 kB"), (999_950, "1 MB"), (18_000_000, "18 MB"), (18_240_000, "18.2 MB"),
     (10**9, "1 GB"), (2_500_000_000_000, "2.5 TB"), (10**15, "1000 TB"), (10**16, "10000 TB")],
)  # fmt: skip
def test_a_size_is_decimal(size: int, text: str) -> None:
    assert size_text(size) == text
