"""What a token says about itself is shown; nothing of it is trusted."""

from datetime import UTC, datetime

import jwt
import pytest
from support.tokens import token

from tusd_py.cli.token_claims import TokenClaims, token_claims


def test_the_user_and_the_end_are_read() -> None:
    moment = datetime(2026, 12, 24, 18, tzinfo=UTC)
    claims = {"userId": 7, "exp": int(moment.timestamp())}
    signed = jwt.encode(claims, "a" * 32, algorithm="HS256")
    assert token_claims(signed) == TokenClaims("7", moment)
    named = jwt.encode({"sub": "anna"}, "a" * 32, algorithm="HS256")
    assert token_claims(named) == TokenClaims("anna", None)
    assert token_claims(token(9)).user == "9"


@pytest.mark.parametrize(
    "text", ["", "opaque", "a.b.c", "..", "a.W10.c", "a.eyJleHAiOiAxZTMwMH0.c", "a.é.c",
             "a.eyJleHAiOiB0cnVlfQ.c"],
)  # fmt: skip
def test_a_token_that_says_nothing_is_no_error(text: str) -> None:
    assert token_claims(text) == TokenClaims()
