"""Computes windows and answers of ``tusd-instant-v1`` (docs/instant-upload.md), for both sides."""

import secrets
from collections.abc import Callable
from typing import Final

import blake3

from tusd_py.domain.ownership_proof import (
    NONCE_BYTES,
    WHOLE_BYTES,
    WINDOW_BYTES,
    WINDOWS,
    Question,
)

Read = Callable[[int, int], bytes]
"""Returns the bytes at an offset, of exactly this length, or raises an error."""

_CONTEXT: Final = "tusd-py instant ranges v1"


def windows(nonce: bytes, size: int) -> list[tuple[int, int]]:
    """Return offset and length of every window, ascending; a file up to 1 MiB is one window."""
    if size <= WHOLE_BYTES:
        return [(0, size)]
    last = size - WINDOW_BYTES
    drawn = blake3.blake3(nonce, derive_key_context=_CONTEXT).digest(8 * WINDOWS)
    offsets = {
        int.from_bytes(drawn[at : at + 8], "little") % (last + 1) for at in range(0, 8 * WINDOWS, 8)
    }
    return [(offset, WINDOW_BYTES) for offset in sorted({0, last, *offsets})]


def answer(nonce: bytes, size: int, read: Read) -> bytes:
    """Return the BLAKE3, keyed with the nonce, of size, terms, and each window after its offset.

    Raises: what ``read`` raises.
    """
    hasher = blake3.blake3(key=nonce)
    for number in (size, WINDOWS, WINDOW_BYTES):
        hasher.update(number.to_bytes(8, "little"))
    for offset, length in windows(nonce, size):
        hasher.update(offset.to_bytes(8, "little"))
        hasher.update(read(offset, length))
    return hasher.digest()


def draw_question(size: int, read: Read) -> Question:
    """Return a new question with its answer. Raises: what ``read`` raises."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return Question(nonce, answer(nonce, size, read))
