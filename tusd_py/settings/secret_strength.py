"""Finds secrets that are not safe: too short, too regular, or published in documents."""

from typing import Final

MIN_BYTES: Final = 32
"""Size of an HS256 output, the minimum for its key (RFC 7518, 3.2)."""
MIN_CHARACTERS: Final = 8
"""Number of different characters; a random text of the minimum length has more in every alphabet
except binary."""
_SAMPLES: Final = (
    "0123456789",
    "123456",
    "abcdefgh",
    "accesssecret",
    "admin123",
    "changeme",
    "example",
    "password",
    "replaceme",
    "secret",
)
_SENTENCES: Final = frozenset({"astringsecretatleast256bitslong", "your256bitsecret"})
"""Secrets in websites and READMEs with which tokens are tested, letters and digits only."""


def flaw_of_secret(secret: str) -> str | None:
    """Return why a text can't be a signing key, as the end of a sentence; None if it can."""
    if len(secret.encode()) < MIN_BYTES:
        return f"is shorter than {MIN_BYTES} bytes; openssl rand -hex 32 makes one"
    plain = "".join(char for char in secret.lower() if char.isalnum())
    rest = plain
    for sample in _SAMPLES:
        rest = rest.replace(sample, "")
    sampled = rest != plain and len(rest) < MIN_BYTES / 2
    if sampled or any(text in plain for text in _SENTENCES):
        return "is a well-known sample; openssl rand -hex 32 makes one"
    if len(set(secret)) < MIN_CHARACTERS:
        return "is too regular; openssl rand -hex 32 makes one"
    return None
