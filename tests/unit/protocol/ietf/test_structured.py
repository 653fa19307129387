import pytest

from tusd_py.protocol.ietf.structured import (
    boolean,
    boolean_text,
    byte_sequence,
    integer,
    preference,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [("?1", True), ("?0", False), ("?1;x", True), ("?0;a=1", False), (" ?1 ", True)],
)
def test_a_boolean_is_read_whatever_its_parameters(text: str, value: bool) -> None:
    assert boolean(text) is value


@pytest.mark.parametrize("text", [None, "", "1", "true", "?2", "?1, ?1", '"?1"', "?1;", "é"])
def test_a_malformed_boolean_counts_as_none(text: str | None) -> None:
    assert boolean(text) is None


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("1000;b", 1000), ("9" * 15, 10**15 - 1)])
def test_an_integer_has_fifteen_digits_at_most(text: str, value: int) -> None:
    assert integer(text) == value


@pytest.mark.parametrize(
    "text", [None, "", "abc", "-1", "1.0", '"9"', "9" * 16, "0, 0", "+5", "1_0", "?1", "٣"]
)
def test_a_malformed_integer_counts_as_none(text: str | None) -> None:
    assert integer(None if text is None else text.encode().decode("latin-1")) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=:AAEC:", b"\x00\x01\x02"),
        ("b=1, a=:AAEC:;x", b"\x00\x01\x02"),
        ("b=:AAEC:", None),
        ("a=AAEC", None),
        ("a=(:AAEC:)", None),
        ("a=:AAEC", None),
        (None, None),
    ],
)
def test_bytes_are_read_from_a_dictionary(text: str | None, value: bytes | None) -> None:
    assert byte_sequence(text, "a") == value


@pytest.mark.parametrize(
    ("text", "value"), [("a=3", 3), ("a=0", 0), ("a=1.5", 0), ("a", 0), ("b=3", 0), ("=", 0)]
)
def test_a_preference_is_read_from_a_dictionary(text: str, value: int) -> None:
    assert preference(text, "a") == value


def test_a_boolean_is_written_as_it_is_read() -> None:
    assert [boolean(boolean_text(value)) for value in (True, False)] == [True, False]
