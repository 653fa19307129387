"""Tests when an issuer's keys are fetched, and how long they are used."""

import asyncio
import base64
import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support.clock import FakeClock
from support.session_tokens import caller, now, sessions
from support.tokens import SECRET

from tusd_py.auth.jwks_cache import PAUSE_SECONDS, JwksCache
from tusd_py.domain.errors import KeysUnavailable, TokenInvalid


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
