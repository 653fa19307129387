"""Tests of session tokens: which are accepted, and for which user."""

import asyncio
import base64
import hmac
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from support.clock import FakeClock
from support.tokens import OTHER_SECRET, SECRET

from tusd_py.auth.jwks import parse_keys
from tusd_py.auth.jwks_cache import PAUSE_SECONDS, JwksCache
from tusd_py.auth.session import ClaimRules, SessionTokens, session_token
from tusd_py.auth.subject import MAX_USER_ID, user_id_of
from tusd_py.clock import SystemClock
from tusd_py.domain.caller import Caller
from tusd_py.domain.errors import KeysUnavailable, TokenExpired, TokenInvalid
from tusd_py.domain.ids import UserId
from tusd_py.settings.secret_strength import flaw_of_secret

RULES = ClaimRules(issuer="", audience="")


def sessions(rules: ClaimRules = RULES, **keys: Any) -> SessionTokens:
    return SessionTokens(rules, SystemClock(), **{"secret": SECRET.encode(), "keys": None, **keys})


def caller(tokens: SessionTokens, token: str) -> Caller:
    return asyncio.run(tokens.caller(token))


def now() -> int:
    return int(SystemClock().now())


def signed(claims: dict[str, Any], secret: str = SECRET, **header: Any) -> str:
    return jwt.encode(claims, secret, algorithm="HS256", headers=header or None)


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


# -- an issuer's keys


class Issuer:
    """Publishes keys of three kinds; they can be rotated and become unreachable."""

    def __init__(self) -> None:
        self.keys: dict[str, tuple[Any, str]] = {}
        self.away = False
        self.fetches = 0

    def add(self, kid: str, algorithm: str) -> None:
        made: Any = {
            "RS256": lambda: rsa.generate_private_key(65537, 2048),
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
        }[algorithm]()
        self.keys[kid] = (made, algorithm)

    def fetch(self) -> bytes:
        self.fetches += 1
        if self.away:
            raise OSError("unreachable")
        return json.dumps({"keys": [self._public(kid) for kid in self.keys]}).encode()

    def _public(self, kid: str) -> dict[str, Any]:
        private, name = self.keys[kid]
        algorithm = jwt.get_algorithm_by_name(name)
        return {**algorithm.to_jwk(private.public_key(), as_dict=True), "kid": kid, "use": "sig"}

    def sign(self, kid: str, **claims: Any) -> str:
        private, algorithm = self.keys[kid]
        named = {"sub": "7", "exp": now() + 60, **claims}
        return jwt.encode(named, private, algorithm=algorithm, headers={"kid": kid})


def opened(issuer: Issuer, clock: FakeClock | None = None, secret: bytes | None = None) -> Any:
    keys = JwksCache(issuer.fetch, clock or FakeClock(), max_age=3600)
    return sessions(keys=keys, secret=secret)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_tokens_are_verified_by_the_keys_of_an_issuer(algorithm: str) -> None:
    issuer = Issuer()
    issuer.add("a", algorithm)
    assert caller(opened(issuer), issuer.sign("a")).user_id == 7


def test_a_public_key_signs_no_token() -> None:
    """The attack uses the public key as an HMAC secret (RFC 8725, 2.1)."""
    issuer = Issuer()
    issuer.add("a", "RS256")
    public = issuer.keys["a"][0].public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    head, body = (
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in ({"alg": "HS256", "kid": "a"}, {"sub": "7", "exp": now() + 60})
    )
    mac = hmac.digest(pem, head + b"." + body, "sha256")
    forged = b".".join((head, body, base64.urlsafe_b64encode(mac).rstrip(b"="))).decode()
    with pytest.raises(TokenInvalid):
        caller(opened(issuer), forged)
    with pytest.raises(TokenInvalid):
        caller(opened(issuer, secret=SECRET.encode()), forged)


def test_rotated_keys_are_fetched_when_they_are_needed_and_old_ones_end() -> None:
    async def scene() -> None:
        issuer, clock = Issuer(), FakeClock()
        issuer.add("a", "ES256")
        tokens = opened(issuer, clock)
        old = issuer.sign("a")
        assert (await tokens.caller(old)).user_id == 7
        issuer.keys.clear()
        issuer.add("b", "ES256")
        new = issuer.sign("b")
        with pytest.raises(TokenInvalid):
            await tokens.caller(new)
        assert issuer.fetches == 1, "the keys were fetched a moment ago"
        clock.advance(PAUSE_SECONDS)
        assert (await tokens.caller(new)).user_id == 7
        assert issuer.fetches == 2
        with pytest.raises(TokenInvalid):
            await tokens.caller(old)

    asyncio.run(scene())


def test_old_keys_are_used_while_their_address_is_unreachable() -> None:
    async def scene() -> None:
        issuer, clock = Issuer(), FakeClock()
        issuer.add("a", "EdDSA")
        tokens = opened(issuer, clock)
        await tokens.caller(issuer.sign("a"))
        issuer.away = True
        clock.advance(4000)
        assert (await tokens.caller(issuer.sign("a", more=1))).user_id == 7

    asyncio.run(scene())


def test_missing_keys_are_an_error_of_the_server() -> None:
    issuer = Issuer()
    issuer.add("a", "EdDSA")
    issuer.away = True
    with pytest.raises(KeysUnavailable):
        caller(opened(issuer), issuer.sign("a"))


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"{}", b'{"keys": 1}', b'{"keys": []}', b'{"keys": [1, {"kty": "oct", "k": "YWI"}]}',
     b'{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}', b"[" * 100_000],
)  # fmt: skip
def test_documents_without_a_usable_key_are_refused(document: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_keys(document)


# -- secrets


@pytest.mark.parametrize(
    "text",
    ["abcdefgh", "admin123", "x" * 40, "changeme" * 4, "your-256-bit-secret-your-256-bit", "short",
     "a-string-secret-at-least-256-bits-long", "0123456789" * 4, "secretsecretsecretsecretsecretsecret"],
)  # fmt: skip
def test_weak_and_sample_secrets_have_a_flaw(text: str) -> None:
    assert flaw_of_secret(text)


@pytest.mark.parametrize("text", [SECRET, OTHER_SECRET, "correct horse battery staple and more"])
def test_other_secrets_have_no_flaw(text: str) -> None:
    assert flaw_of_secret(text) is None
