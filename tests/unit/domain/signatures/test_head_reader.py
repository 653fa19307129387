"""Tests reading around in a file that is not all there."""

import pytest

from tusd_py.domain.signatures.head_reader import is_text


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"", True), ("text é".encode()[:-1], True), (b"const a: number = 1\n", True), (b"a\0b", False),
        (b"\xff\xd8\xff", False), (b"\xff\xfea\0b\0", True), (b"caf\xe9 ol\xe9 ol\xe9", False),
    ],
)  # fmt: skip
def test_text_is_distinguished_from_bytes(head: bytes, expected: bool) -> None:
    assert is_text(head) is expected
