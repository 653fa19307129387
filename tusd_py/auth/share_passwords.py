"""Hashes the passwords of shares by scrypt (RFC 7914), which makes each guess cost memory and time.

A hash carries its parameters, so that later versions can raise them.
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from typing import Final

_LOG_N: Final = 14
_R: Final = 8
_P: Final = 5
"""With N = 2^14 and r = 8 the smallest that OWASP recommends; 16 MiB for each hash."""
_SALT_BYTES: Final = 16
_HASH_BYTES: Final = 32
_MAX_MEMORY: Final = 64 << 20


def hash_password(password: str) -> str:
    """Return ``scrypt$14$8$5$SALT$HASH`` of a password. Takes a tenth of a second; blocks."""
    salt = secrets.token_bytes(_SALT_BYTES)
    hashed = _scrypt(password, salt, _LOG_N, _R, _P)
    return "$".join(("scrypt", str(_LOG_N), str(_R), str(_P), _text(salt), _text(hashed)))


def is_password(password: str, password_hash: str) -> bool:
    """Return whether ``hash_password`` made the hash of this password. Blocks as long."""
    _, log_n, r, p, salt, hashed = password_hash.split("$")
    found = _scrypt(password, base64.b64decode(salt), int(log_n), int(r), int(p))
    return hmac.compare_digest(found, base64.b64decode(hashed))


def _scrypt(password: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    # One letter may be written by several sequences of code points, by the system of the keyboard.
    same = unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
    return hashlib.scrypt(
        same, salt=salt, n=1 << log_n, r=r, p=p, maxmem=_MAX_MEMORY, dklen=_HASH_BYTES
    )


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
