"""Tests of the tokens that the server signs: no kind is accepted as another."""

import jwt
import pytest
from support.clock import FakeClock
from support.tokens import OTHER_SECRET, SECRET

from tusd_py.auth.scoped_tokens import ScopedTokens
from tusd_py.clock import SystemClock
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import (
    TokenExpired,
    TokenInvalid,
)
from tusd_py.domain.ids import UploadId, UserId

ONE, OTHER = UploadId("1" * 32), UploadId("2" * 32)
GRANTS = ScopedTokens(SECRET.encode(), SystemClock())
NOW = SystemClock().now()


def upload_token(*, expires_at: float | None = None) -> str:
    return GRANTS.upload_token(UserId(7), ONE, 10, expires_at=expires_at)


def test_an_upload_token_gives_one_upload() -> None:
    holder = GRANTS.read_upload_token(upload_token())
    assert holder == Caller(UserId(7), upload_id=ONE, length=10)
    assert GRANTS.is_upload_token(upload_token())


def test_a_ticket_permits_what_its_user_may_follow() -> None:
    assert GRANTS.read_ticket(GRANTS.ticket(Caller(UserId(7)))) == Caller(UserId(7))
    narrow = Caller(UserId(7), upload_id=ONE)
    assert GRANTS.read_ticket(GRANTS.ticket(narrow)) == narrow


def test_an_upload_token_ends_with_its_upload() -> None:
    with pytest.raises(TokenExpired):
        GRANTS.read_upload_token(upload_token(expires_at=NOW - 1))


def test_a_ticket_is_valid_for_a_minute() -> None:
    early = FakeClock()
    early.advance(NOW - 61 - early.now())
    stale = ScopedTokens(SECRET.encode(), early).ticket(Caller(UserId(7)))
    with pytest.raises(TokenExpired):
        GRANTS.read_ticket(stale)


@pytest.mark.parametrize(
    "token",
    [
        GRANTS.ticket(Caller(UserId(7))),
        ScopedTokens(OTHER_SECRET.encode(), SystemClock()).upload_token(
            UserId(7), ONE, 10, expires_at=None
        ),
        jwt.encode({"userId": 7, "exp": NOW + 60}, SECRET, algorithm="HS256"),
        jwt.encode(
            {"sub": "7", "upload": ONE, "length": 10, "aud": "tusd-py:upload", "exp": NOW + 60},
            SECRET,
            algorithm="HS256",
            headers={"typ": "upload+jwt"},
        ),
        upload_token()[:-4] + "AAAA",
        "",
        "x" * 9000,
    ],
)
def test_nothing_else_is_an_upload_token(token: str) -> None:
    with pytest.raises(TokenInvalid):
        GRANTS.read_upload_token(token)


@pytest.mark.parametrize("token", [upload_token(), ""])
def test_nothing_else_is_a_ticket(token: str) -> None:
    with pytest.raises(TokenInvalid):
        GRANTS.read_ticket(token)
