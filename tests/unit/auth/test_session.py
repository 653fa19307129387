"""Tests of session tokens: which are accepted, and for which user."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from support.session_tokens import RULES, caller, now, sessions, signed
from support.tokens import OTHER_SECRET, SECRET

from tusd_py.auth.session import ClaimRules, session_token
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import TokenExpired, TokenInvalid
from tusd_py.domain.ids import UserId


def test_a_token_contains_user_tenant_and_roles() -> None:
    text = session_token(
        SECRET.encode(), RULES, user_id=7, role="admin", tenant="acme",
        issued_at=now(), life_seconds=60,
    )  # fmt: skip
    found = caller(sessions(), text)
    assert found == Caller(UserId(7), "acme", frozenset({"admin"}))


@pytest.mark.parametrize(
    ("claim", "expected"), [(9, 9), (-9, -9), (10, 0), (True, 0), ("9", 0), (1.5, 0), (None, 0)]
)
def test_a_claim_sets_the_priority_if_the_settings_name_it(claim: object, expected: int) -> None:
    text = signed({"userId": 7, "plan": claim, "exp": now() + 60})
    assert caller(sessions(ClaimRules(priority_claim="plan")), text).priority == expected
    assert caller(sessions(), text).priority == 0


def test_the_claim_of_the_original_api_precedes_that_of_the_standard() -> None:
    text = signed({"userId": 7, "sub": "8", "exp": now() + 60})
    assert caller(sessions(), text).user_id == 7
    assert caller(sessions(ClaimRules(user_claim="sub")), text).user_id == 8


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"userId": 7},
        {"userId": 0, "exp": 60},
        {"userId": -3, "exp": 60},
        {"userId": True, "exp": 60},
        {"userId": 2**63, "exp": 60},
        {"userId": ["7"], "exp": 60},
        {"userId": "", "exp": 60},
        {"userId": "0", "exp": 60},
        {"userId": "x" * 256, "exp": 60},
        {"userId": 7, "exp": 60, "nbf": 120},
        {"userId": 7, "exp": 60, "tenant": {}},
        {"userId": 7, "exp": 60, "tenant": "t" * 129},
        {"userId": 7, "exp": 60, "tenant": ""},
    ],
)
def test_claims_without_a_user_are_refused(claims: dict[str, Any]) -> None:
    at = now()
    moved = {k: v + at if k in ("exp", "nbf") else v for k, v in claims.items()}
    with pytest.raises(TokenInvalid):
        caller(sessions(), signed(moved))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-2] + ("AA" if text[-2:] != "AA" else "BB"),
        lambda text: text + "x",
        lambda text: f"{text}.{text}",
        lambda text: text.rpartition(".")[0] + ".",
        lambda _: "",
        lambda _: "a.b.c",
        lambda _: "x" * 9000,
        lambda _: jwt.encode({"userId": 7, "exp": now() + 60}, None, algorithm="none"),
        lambda _: jwt.encode({"userId": 7, "exp": now() + 60}, OTHER_SECRET, algorithm="HS256"),
        lambda _: jwt.encode({"userId": 7, "exp": now() + 60}, SECRET * 2, algorithm="HS512"),
        lambda _: signed({"userId": 7, "exp": now() + 60}, crit=["exp"]),
    ],
)
def test_forged_tokens_are_refused_without_a_reason(spoil: Callable[[str], str]) -> None:
    good = signed({"userId": 7, "exp": now() + 60})
    with pytest.raises(TokenInvalid) as raised:
        caller(sessions(), spoil(good))
    assert raised.value.detail == TokenInvalid.sentence


def test_an_expired_token_is_refused_as_expired_after_thirty_seconds_of_grace() -> None:
    assert caller(sessions(), signed({"userId": 7, "exp": now() - 20})).user_id == 7
    with pytest.raises(TokenExpired):
        caller(sessions(), signed({"userId": 7, "exp": now() - 40}))


@pytest.mark.parametrize(
    ("claims", "taken"),
    [
        ({"iss": "https://id", "aud": "uploads"}, True),
        ({"iss": "https://id", "aud": ["other", "uploads"]}, True),
        ({"iss": "https://id", "aud": "other"}, False),
        ({"iss": "https://other", "aud": "uploads"}, False),
        ({"iss": "https://id"}, False),
        ({"aud": "uploads"}, False),
    ],
)
def test_issuer_and_audience_are_checked_when_set(claims: dict[str, Any], taken: bool) -> None:
    rules = ClaimRules(issuer="https://id", audience="uploads")
    text = signed({"userId": 7, "exp": now() + 60, **claims})
    if taken:
        assert caller(sessions(rules), text).user_id == 7
    else:
        with pytest.raises(TokenInvalid):
            caller(sessions(rules), text)
