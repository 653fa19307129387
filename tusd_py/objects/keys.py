"""Make and check the keys of finished objects.

A key is a content address: equal bytes have the same key, and different bytes have different keys.
"""

import re
from typing import Final

PREFIX: Final = "pool/"
"""The prefix of every key."""
OWNER_KEY: Final = "tusd-py-catalog"
"""The key of an object in the same bucket that names the catalog of these objects."""
_KEY: Final = re.compile(r"pool/[0-9a-f]{2}/[0-9a-f]{64}(?:\.[a-z0-9]{1,10})?")


def object_key(stored_hash: str, ext: str) -> str:
    """Return the key of bytes with this BLAKE3 (64 hex digits); ``ext`` has its dot, or is ''."""
    return check_key(f"pool/{stored_hash[:2]}/{stored_hash}{ext}")


def check_key(key: str) -> str:
    """Return the key itself. Raises: ValueError: it does not have the form of our keys."""
    if not is_key(key):
        raise ValueError("not an object key")
    return key


def is_key(text: str) -> bool:
    """Return whether this is a key of ours; other objects in the bucket must not be touched."""
    return _KEY.fullmatch(text) is not None
