"""Which secrets are none: too short, or to be found in everybody's documents."""

from typing import Final

MIN_BYTES: Final = 32
"""As many as HS256 gives out (RFC 7518, 3.2)."""
MIN_CHARACTERS: Final = 8
"""Different ones: random text of the least length has more, whatever its alphabet but binary."""
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
"""Of the pages and READMEs that tokens are tried with, letters and digits only."""


def flaw_of_secret(secret: str) -> str | None:
    """Why a text can't be a signing key, as the end of a sentence; None: nothing speaks against it."""
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
