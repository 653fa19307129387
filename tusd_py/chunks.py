"""Bytes of a body as they came: a sequence of buffers, which are not joined."""

from collections.abc import Iterator, Sequence


def first_bytes(chunks: Sequence[bytes | memoryview], count: int) -> list[memoryview]:
    """Return the first ``count`` bytes of the chunks, all of them if they hold fewer. Nothing is copied."""
    return list(_first(chunks, count))


def _first(chunks: Sequence[bytes | memoryview], count: int) -> Iterator[memoryview]:
    for chunk in chunks:
        if count <= 0:
            return
        yield memoryview(chunk)[:count]
        count -= len(chunk)
