"""Tests which documents of keys are refused."""

import pytest

from tusd_py.auth.jwks import parse_keys


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": []}', b'{"keys": [1, {"kty": "oct", "k": "YWI"}]}',
     b'{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}', b"[" * 100_000],
)  # fmt: skip
def test_documents_without_a_usable_key_are_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_keys(document)
