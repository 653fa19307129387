"""Tests the hashes of passwords of shares."""

import pytest

from tusd_py.auth.share_passwords import hash_password, is_password


@pytest.mark.parametrize("password", ["x", "密码", "a b$c", "\ud800", "x" * 200])
def test_a_password_is_known_again(password: str) -> None:
    hashed = hash_password(password)
    assert hashed.startswith("scrypt$14$8$5$")
    assert len(hashed) <= 128, "as long as the column"
    assert hashed != hash_password(password)
    assert is_password(password, hashed)
    assert not is_password(f"{password} ", hashed)
    assert not is_password("", hashed)


def test_a_letter_may_be_written_in_two_ways() -> None:
    assert is_password("a\u0308", hash_password("\u00e4"))


def test_a_hash_with_other_parameters_is_known() -> None:
    older = "scrypt$10$8$1$AAAAAAAAAAAAAAAAAAAAAA==$dNWxk1wGX9W8L+OgFxyrwFcpjY3FnPL0FFfcs8y0UBk="
    assert is_password("x", older)
    assert not is_password("y", older)
