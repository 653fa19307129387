"""Handles the bytes of a body as a sequence of buffers, which are not joined."""

from collections.abc import Iterator, Sequence


def first_bytes(chunks: Sequence[bytes | memoryview], count: int) -> list[memoryview]:
    """Return the first ``count`` bytes of the chunks, or all if there are fewer, without a copy."""
    return list(_first(chunks, count))


def _first(chunks: Sequence[bytes | memoryview], count: int) -> Iterator[memoryview]:
    for chunk in chunks:
        if count <= 0:
            return
        yield memoryview(chunk)[:count]
        count -= len(chunk)
