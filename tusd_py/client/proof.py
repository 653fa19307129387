"""Compute ownership proofs of a file (``tusd-instant-v1``, docs/instant-upload.md)."""

import base64
import re
from pathlib import Path
from typing import Final

from tusd_py.domain.ownership_proof import NONCE_BYTES, WINDOW_BYTES, WINDOWS
from tusd_py.domain.ownership_windows import answer
from tusd_py.file_pieces import range_reader

_NONCE: Final = re.compile(r"nonce=:([A-Za-z0-9+/]+={0,2}):")
_TERMS: Final = ("v=1", f"n={WINDOWS}", f"w={WINDOW_BYTES}")


def nonce_of(challenge: str | None) -> bytes | None:
    """Return the nonce of an Upload-Challenge; None if there is none, or its terms are unknown."""
    members = [member.strip() for member in (challenge or "").split(",")]
    found = _NONCE.search(challenge or "")
    if found is None or any(term not in members for term in _TERMS):
        return None
    nonce = base64.b64decode(found[1])
    return nonce if len(nonce) == NONCE_BYTES else None


def proof(file: Path, size: int, nonce: bytes) -> str:
    """Return the Upload-Proof of a file of ``size`` bytes.

    Raises: OSError: also if it became shorter.
    """
    with file.open("rb", buffering=0) as source:
        found = answer(nonce, size, range_reader(source.fileno()))
    return f":{base64.b64encode(found).decode()}:"
