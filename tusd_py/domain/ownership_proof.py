"""Defines ownership proofs: a user shows that the user has the content of another owner's file.

A question is drawn in advance, while the source is on this server: a nonce names windows of the
file, the answer is a digest over them. It is used once. (Halevi et al. 2011, Proofs of ownership;
Di Pietro and Sorniotti 2012, precomputed challenges.)
"""

import hmac
from dataclasses import dataclass
from typing import Final

from tusd_py.domain.durations import WEEK_SECONDS

NONCE_BYTES: Final = 32
ANSWER_BYTES: Final = 32
WINDOWS: Final = 256
"""Windows that are drawn at random, in addition to the first and the last.

A user who has 95 % of a file passes with a probability of 2 in a million.
"""
WINDOW_BYTES: Final = 4096
WHOLE_BYTES: Final = 1 << 20
"""Largest file, in bytes, of which the whole is one window."""
ANSWER_SECONDS: Final = 60
FEWEST_OWNERS: Final = 2
TRIES: Final = 3
"""Questions about one content that one user gets within ``TRIES_SECONDS`` without a right
answer."""
TRYING_USERS: Final = 8
"""A content is not given by proof while this number of other users have such questions about it."""
TRIES_SECONDS: Final = WEEK_SECONDS


@dataclass(frozen=True, slots=True)
class Question:
    """Is a question about one file, for one use: 32 bytes each."""

    nonce: bytes
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipPolicy:
    """States which files a proof can give, and on which terms."""

    within_tenant: bool
    """Whether only files of the same tenant are given; else those of all owners."""
    min_size: int
    """Smallest size in bytes: smaller files are not worth a question, and are easier to guess."""
    most_owners: int
    """Upper bound of the secret number of owners, see ``owners_needed``."""
    challenges_per_hour: int
    secret: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Holds the terms that apply to one upload."""

    tenant: str | None
    """Tenant that must hold the file; None: any."""
    owners: int
    """Number of other owners that must hold the file."""
    challenges_per_hour: int
    filename: str | None
    """Name that must fit the content under a white list; None: any name fits."""


def owners_needed(policy: OwnershipPolicy, file_hash: str) -> int:
    """Return how many owners must hold a file before it is given: from 2 to ``most_owners``.

    Only the server can compute the number, so that an attacker who stores a guess learns nothing
    from the outcome (Harnik, Pinkas, Shulman-Peleg 2010). It is 1 if ``most_owners`` is less than
    2.
    """
    if policy.most_owners < FEWEST_OWNERS:
        return 1
    digest = hmac.digest(policy.secret, file_hash.encode(), "sha256")
    return FEWEST_OWNERS + int.from_bytes(digest[:8]) % (policy.most_owners - FEWEST_OWNERS + 1)
