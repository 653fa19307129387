"""Proof of possession: who wants a file that another owner holds shows that they have it, too.

A question is drawn in advance, while the source is here: a nonce names windows of the file, the answer
is a digest over them. It is asked once. (Halevi et al. 2011, Proofs of ownership; Di Pietro and
Sorniotti 2012, precomputed challenges.)
"""

import hmac
from dataclasses import dataclass
from typing import Final

from tusd_py.domain.durations import WEEK_SECONDS

NONCE_BYTES: Final = 32
ANSWER_BYTES: Final = 32
WINDOWS: Final = 256
"""Drawn at random, beside the first and the last: who has 95 % of a file passes with 2 in a million."""
WINDOW_BYTES: Final = 4096
WHOLE_BYTES: Final = 1 << 20
"""A file up to this size is asked for as a whole."""
ANSWER_SECONDS: Final = 60
FEWEST_OWNERS: Final = 2
TRIES: Final = 3
"""Questions about one content that one user gets within ``TRIES_SECONDS`` without a right answer."""
TRYING_USERS: Final = 8
"""A content is not given by proof while this number of other users have such questions about it."""
TRIES_SECONDS: Final = WEEK_SECONDS


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of one file, once: 32 bytes each."""

    nonce: bytes
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnershipPolicy:
    """Whose files may be had by proof, and on which terms."""

    within_tenant: bool
    """Only files of the same tenant; else everybody's."""
    min_size: int
    """Bytes: smaller files are not worth a question, and are guessed more easily."""
    most_owners: int
    """Upper bound of the secret number of owners, see ``owners_needed``."""
    challenges_per_hour: int
    secret: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The terms as they apply to one upload."""

    tenant: str | None
    """None: any."""
    owners: int
    """So many others must hold the file."""
    challenges_per_hour: int
    filename: str | None
    """The name that the content must be right for, under a white list; None: any name is."""


def owners_needed(policy: OwnershipPolicy, file_hash: str) -> int:
    """How many owners must hold a file before it is given: a number from 2 to ``most_owners`` that only
    the server can tell, so that one who stores a guess himself learns nothing by it (Harnik, Pinkas,
    Shulman-Peleg 2010). 1 where ``most_owners`` is less than 2.
    """
    if policy.most_owners < FEWEST_OWNERS:
        return 1
    digest = hmac.digest(policy.secret, file_hash.encode(), "sha256")
    return FEWEST_OWNERS + int.from_bytes(digest[:8]) % (policy.most_owners - FEWEST_OWNERS + 1)
