"""Tests which user and tenant a token names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.auth.subject import MAX_USER_ID, tenant_of, user_id_of
from tusd_py.domain.errors import TokenInvalid


@given(st.text(min_size=1, max_size=255), st.text(max_size=40))
def test_any_text_becomes_one_user_id_beyond_the_range_of_counted_ids(
    subject: str, issuer: str
) -> None:
    if subject == "0":
        return
    found = user_id_of(subject, issuer)
    assert found == user_id_of(subject, issuer)
    digits = subject.isascii() and subject.isdigit() and not subject.startswith("0")
    if digits and int(subject) <= MAX_USER_ID:
        assert found == int(subject)
    else:
        assert -(2**63) <= found < 0


def test_the_same_text_of_two_issuers_is_two_users() -> None:
    assert user_id_of("anna", "https://a") != user_id_of("anna", "https://b")
    assert user_id_of("anna", "https://a") != user_id_of("https://aanna", "")


def test_a_tenant_that_no_database_can_keep_is_refused() -> None:
    with pytest.raises(TokenInvalid):
        tenant_of({"tenant": "a\ud800"}, "tenant")
