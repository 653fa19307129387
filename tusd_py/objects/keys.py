"""Keys of finished objects: content addresses (same bytes, same key; other bytes, another)."""

import re
from typing import Final

PREFIX: Final = "pool/"
"""What keys begin with."""
OWNER_KEY: Final = "tusd-py-catalog"
"""Beside them: which catalog knows these objects."""
_KEY: Final = re.compile(r"pool/[0-9a-f]{2}/[0-9a-f]{64}(?:\.[a-z0-9]{1,10})?")


def object_key(stored_hash: str, ext: str) -> str:
    """The key of bytes with this BLAKE3 (64 hex digits); ``ext`` with its dot, or ''."""
    return check_key(f"pool/{stored_hash[:2]}/{stored_hash}{ext}")


def check_key(key: str) -> str:
    """The key itself. Raises: ValueError: no key of ours looks like that."""
    if not is_key(key):
        raise ValueError("not an object key")
    return key


def is_key(text: str) -> bool:
    """Whether it is a key of ours: whatever else somebody keeps in a bucket is not to be touched."""
    return _KEY.fullmatch(text) is not None
