import pytest

from tusd_py.protocol.conditions import allows_range, is_held

TAG = '"abc"'


@pytest.mark.parametrize(
    "text",
    [
        "*", '"abc"', 'W/"abc"', '"x", "abc"', '"x","abc"', '"x" ,\t W/"abc" , "y"', ', ,"abc",',
        '"x,y", "abc"',
    ],
)  # fmt: skip
def test_a_list_that_names_the_content_matches(text: str) -> None:
    assert is_held(text, TAG)


@pytest.mark.parametrize(
    "text",
    [
        None, "", ",", '"x"', 'W/"x"', '"x, "abc""', 'x"abc"', '"abc', "abc", 'w/"abc"', '"ab", "c"', '"W/abc"',
        '* , "abc', '"abc" x', '"x"abc", "abc"', '"abc" "abc"',
    ],
)  # fmt: skip
def test_another_or_a_malformed_list_does_not_match(text: str | None) -> None:
    assert not is_held(text, TAG)


def test_a_long_list_is_compared_quickly() -> None:
    for text in (" " * 60_000 + "x", "," * 60_000 + "x", '"x",' * 15_000 + "x", '"' * 60_000):
        assert not is_held(text, TAG)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, True),
        ('"abc"', True),
        ('W/"abc"', False),
        ('"x"', False),
        ('"abc", "abc"', False),
        ("*", False),
        ("Sat, 28 Nov 2026 12:00:00 GMT", False),
        ("", False),
    ],
)
def test_a_range_is_sent_of_the_content_that_if_range_names(
    text: str | None, expected: bool
) -> None:
    assert allows_range(text, TAG) is expected
