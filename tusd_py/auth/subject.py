"""Converts a token's name of its user to the number that owns uploads (``user_id bigint``)."""

import re
from collections.abc import Mapping
from typing import Any, Final

from blake3 import blake3

from tusd_py.domain.errors import TokenInvalid
from tusd_py.domain.ids import UserId

MAX_USER_ID: Final = 2**63 - 1
MAX_SUBJECT_CHARACTERS: Final = 255
"""OpenID Connect Core 1.0, 2: "It MUST NOT exceed 255 ASCII characters in length"."""
MAX_TENANT_CHARACTERS: Final = 128
MAX_PRIORITY: Final = 9
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,18}")
_CONTEXT: Final = "tusd-py 2026-11-26 user of an issuer's subject"


def user_id_of(claim: object, issuer: str) -> UserId:
    """Return the user of a claim: a positive number is itself, another text gets a negative number.

    The number of a text is 63 bits of BLAKE3 over issuer and text: the same on every server, and
    never one that is assigned by counting (docs/decisions/0020).

    Raises: TokenInvalid: it names no user. 0 is the user of all requests without authentication.
    """
    if isinstance(claim, str) and _NUMBER.fullmatch(claim) and int(claim) <= MAX_USER_ID:
        return UserId(int(claim))
    if isinstance(claim, int) and not isinstance(claim, bool) and 0 < claim <= MAX_USER_ID:
        return UserId(claim)
    if isinstance(claim, str) and 0 < len(claim) <= MAX_SUBJECT_CHARACTERS and claim != "0":
        return _numbered(claim, issuer)
    raise TokenInvalid("The token does not name a user: a positive number or a text is needed.")


def _numbered(subject: str, issuer: str) -> UserId:
    named = issuer.encode("utf-8", "surrogatepass")
    message = len(named).to_bytes(8, "big") + named + subject.encode("utf-8", "surrogatepass")
    digest = blake3(message, derive_key_context=_CONTEXT).digest(8)
    return UserId(-1 - (int.from_bytes(digest, "big") >> 1))


def tenant_of(claims: Mapping[str, Any], name: str) -> str:
    """Return the group in a claim, a text or a number; '' if none.

    Raises: TokenInvalid: the claim cannot be a name. To count it as none would separate it from its
        group.
    """
    claim = claims.get(name)
    if claim is None:
        return ""
    text = str(claim) if isinstance(claim, str | int) and not isinstance(claim, bool) else ""
    if not 0 < len(text) <= MAX_TENANT_CHARACTERS or not _encodable(text):
        raise TokenInvalid
    return text


def _encodable(text: str) -> bool:
    """Return whether a database can keep the text: it has no lone surrogate."""
    return text.encode("utf-8", "replace").decode() == text


def priority_of(claims: Mapping[str, Any], name: str) -> int:
    """Return the priority in a claim; 0 if there is no whole number from -9 to 9 in it."""
    claim = claims.get(name)
    if not isinstance(claim, int) or isinstance(claim, bool) or abs(claim) > MAX_PRIORITY:
        return 0
    return claim


def roles_of(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """Return the roles in a claim that is a text or a list of texts; none in any other."""
    claim = claims.get(name)
    found = claim if isinstance(claim, list) else [claim]
    return frozenset(role for role in found if isinstance(role, str))
