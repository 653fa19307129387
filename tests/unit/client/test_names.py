"""Tests that no name of a server leaves the folder or hides, whatever it is."""

from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.client.names import local_name, name_in
from tusd_py.domain.filenames import MAX_NAME_BYTES
from tusd_py.domain.printable import is_hidden

PIECES = st.sampled_from(
    ["/", "\\", ".", "..", " ", "-", "~", ":", "nul", "COM1", "con.", "\0", "\u202e", "é" * 90, "mp4"]
)  # fmt: skip


@given(st.lists(PIECES | st.text(max_size=5), max_size=8).map("".join))
def test_any_name_is_safe_or_empty(name: str) -> None:
    safe = local_name(name)
    assert local_name(safe) == safe
    if not safe:
        return
    assert PurePosixPath(safe).name == PureWindowsPath(safe).name == safe
    assert safe == safe.strip().strip(".")
    assert not safe.startswith(("-", "~"))
    assert not any(map(is_hidden, safe))
    assert len(safe.encode()) <= MAX_NAME_BYTES


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("", ""),
        ("attachment", ""),
        ('attachment; filename="a.txt"', "a.txt"),
        ("attachment; filename=\"plain.txt\"; filename*=UTF-8''%e8%a7%86.txt", "视.txt"),
        ("attachment; FILENAME*=utf-8''..%2f..%2fx", "x"),
        ("attachment; filename*=UTF-8''%00%0a", ""),
        ('attachment; filename="../../x"', "x"),
    ],
)
def test_the_extended_name_precedes_the_plain_one(disposition: str, name: str) -> None:
    assert name_in(disposition) == name
