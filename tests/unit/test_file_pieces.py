"""Tests that any place of a file can be read."""

from pathlib import Path
from tempfile import NamedTemporaryFile

from hypothesis import given
from hypothesis import strategies as st

from tusd_py.file_pieces import look_into


@given(st.integers(-(2**70), 2**70), st.integers(0, 2**70))
def test_any_place_of_a_file_is_looked_at_without_an_error(start: int, length: int) -> None:
    with NamedTemporaryFile() as file:
        file.write(bytes(range(250)) * 400)
        file.flush()
        found = look_into(Path(file.name)).read_at(start, length)
    if found:
        assert found == (bytes(range(250)) * 400)[start : start + length]
