"""Tests of JSON from outside: what is read, and what is refused before a caller gets it."""

import pytest

from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object


def test_the_members_of_an_object() -> None:
    assert read_json_object('{"名": "视频 \\ud83d\\ude00", "n": [1, 2.5, null]}'.encode()) == {
        "名": "视频 😀",
        "n": [1, 2.5, None],
    }
    assert read_json_object('{"a": 1, "a": 2}') == {"a": 2}


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"[]", b"7", b"null", b"{", b"\xff", b"[" * 100_000, b'{"a":' * 100_000, b'{"a": NaN}',
        b'{"a": -Infinity}', b'{"a": 1e999}', b'{"a": "\\ud800"}', b'{"\\udfff": 1}',
        b'{"a": ' + b"9" * 5000 + b"}", '{"a": "\ud800"}',
    ],
)  # fmt: skip
def test_anything_else_is_refused(payload: bytes | str) -> None:
    with pytest.raises(NotAJsonObject):
        read_json_object(payload)
