"""Reads an issuer's published keys (RFC 7517): which of them are used, and for what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from jwt import PyJWK
from jwt.exceptions import PyJWTError

from tusd_py.domain.untrusted_json import read_json_object

ALGORITHMS: Final[Mapping[tuple[str, str | None], str]] = {
    ("RSA", None): "RS256",
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "EdDSA",
}
"""The only algorithm of each kind of key, by its ``kty`` and ``crv``.

Symmetric keys have none: a published key cannot sign.
"""

MAX_KEYS: Final = 100
MAX_MEMBERS: Final[Mapping[str, int]] = {"n": 1366, "e": 6, "x": 64, "y": 64}
"""Largest number of characters of base64: a modulus of 8192 bits and an exponent of 32 bits.

The limit bounds the cost of checking a token. The members of P-256 and Ed25519 need 43.
"""


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """Holds usable keys by their ``kid``."""

    by_kid: Mapping[str, PyJWK]
    unnamed: tuple[PyJWK, ...] = ()

    def get(self, kid: str | None) -> PyJWK | None:
        """Return the key of that name.

        A token without a name may use the only key that there is.
        """
        if kid is not None:
            return self.by_kid.get(kid)
        keys = (*self.by_kid.values(), *self.unnamed)
        return keys[0] if len(keys) == 1 else None


def parse_keys(document: bytes) -> SigningKeys:
    """Return the keys of a JSON Web Key Set that may verify a token; other keys are ignored.

    Raises: ValueError: it is no such set, or has no usable key.
    """
    listed = read_json_object(document).get("keys")
    if not isinstance(listed, list):
        raise ValueError("not a JSON Web Key Set")
    if len(listed) > MAX_KEYS:
        raise ValueError(f"more than {MAX_KEYS} keys")
    by_kid: dict[str, PyJWK] = {}
    unnamed: list[PyJWK] = []
    for entry in listed:
        key = _usable(entry)
        if key is not None and isinstance(entry.get("kid"), str):
            by_kid[entry["kid"]] = key
        elif key is not None:
            unnamed.append(key)
    if not by_kid and not unnamed:
        raise ValueError("no key for RS256, ES256 or EdDSA")
    return SigningKeys(by_kid, tuple(unnamed))


def _is_cheap(entry: Mapping[str, Any]) -> bool:
    """Return whether verifying a signature with the key costs no more than with common keys."""
    members = [(entry.get(name, ""), limit) for name, limit in MAX_MEMBERS.items()]
    return all(isinstance(member, str) and len(member) <= limit for member, limit in members)


def _usable(entry: Any) -> PyJWK | None:  # noqa: ANN401  (whatever the document holds)
    if not isinstance(entry, dict) or "d" in entry or not _is_cheap(entry):
        # A private key that is published is known to all.
        return None
    kind, curve = entry.get("kty"), entry.get("crv")
    if not isinstance(kind, str) or not isinstance(curve, str | None):
        return None
    algorithm = ALGORITHMS.get((kind, None if kind == "RSA" else curve))
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    if entry.get("use", "sig") != "sig":
        return None
    try:
        key = PyJWK(entry, algorithm)
    except (PyJWTError, ValueError, TypeError, AttributeError):
        return None
    return None if key.Algorithm.check_key_length(key.key) else key
