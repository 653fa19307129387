"""Tests what the page of a receiver shows, without a server."""

import pytest

from tusd_py.http.receiver_page import language_of


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
