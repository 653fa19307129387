"""Tests what the page of a receiver shows, without a server."""

import pytest

from tusd_py.http.receiver_page import decimal_size, language_of


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.8", "en"),
        ("fr-FR, zh-Hant;q=0.4, en;q=0.3", "zh"),
        ("de, zh;q=0", "en"),
        ("zh;q=much, en;q=0.1", "en"),
        ("*", "en"),
        ("zh;q=nan", "en"),
    ],
)
def test_the_readers_language_is_the_first_that_is_there(accepted: str, expected: str) -> None:
    assert language_of(accepted, ("en", "zh")) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1 kB"), (1500, "1.5 kB"), (999_949, "999.9 kB"),
        (999_950, "1 MB"), (18_000_000, "18 MB"), (10**15, "1000 TB"),
    ],
)  # fmt: skip
def test_sizes_are_decimal(size: int, expected: str) -> None:
    assert decimal_size(size) == expected
