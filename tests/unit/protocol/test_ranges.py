import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.protocol.ranges import Unsatisfiable, parse_range


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes=2-5", (2, 4)),
        ("bytes=2-", (2, 8)),
        ("bytes=-3", (7, 3)),
        ("bytes=-99", (0, 10)),
        ("bytes=0-99", (0, 10)),
        ("bytes=5-2", None),
        ("bytes=0-1,3-4", None),
        ("lines=0-1", None),
        ("bytes=-", None),
        (None, None),
    ],
)
def test_one_range_is_served_and_the_rest_ignored(text: str | None, expected: object) -> None:
    assert parse_range(text, 10) == expected


@pytest.mark.parametrize("text", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_a_range_beyond_the_end_is_unsatisfiable(text: str) -> None:
    with pytest.raises(Unsatisfiable):
        parse_range(text, 10)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_served_range_lies_within_the_file(first: int, last: int, size: int) -> None:
    try:
        part = parse_range(f"bytes={first}-{last}", size)
    except Unsatisfiable:
        assert first >= size
        return
    if part is not None:
        start, length = part
        assert start == first
        assert 0 < length <= size - start
