"""Tests that parts of AVI files that no program reports are found."""

import struct
from pathlib import Path

import pytest

from tusd_py.worker.media.riff import MAX_CHUNKS, has_unknown_chunks


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + b"\0" * (len(content) % 2)


def some(name: bytes, *chunks: bytes, around: bytes = b"LIST") -> bytes:
    return chunk(around, name + b"".join(chunks))


INDEX = chunk(b"JUNK", b"\x04" + bytes(7) + b"00dc" + bytes(100))
STREAM = some(
    b"strl", chunk(b"strh", bytes(56)), chunk(b"strf", b"odd"), chunk(b"JUNK", bytes(9)), INDEX
)
HEADER = some(
    b"hdrl", chunk(b"avih", bytes(56)), STREAM, chunk(b"JUNK", b"odmldmlh\xf8" + bytes(9))
)
FRAMES = some(b"movi", chunk(b"00dc", b"frame"), chunk(b"what", b"ever"))
TEXTS = some(b"INFO", chunk(b"ISFT", b"Lavf"))


def avi(*chunks: bytes) -> bytes:
    return some(b"AVI ", *chunks, around=b"RIFF")


PLAIN = avi(HEADER, TEXTS, FRAMES, chunk(b"idx1", bytes(16)))


@pytest.mark.parametrize(
    ("content", "unknown"),
    [
        (PLAIN, False),
        (PLAIN + some(b"AVIX", FRAMES, around=b"RIFF"), False),
        (b"", False),
        (avi(HEADER, FRAMES, chunk(b"_PMX", b"<x:xmpmeta/>")), True),
        (avi(some(b"hdrl", some(b"strl", chunk(b"strd", b"camera"))), FRAMES), True),
        (avi(HEADER, some(b"ncdt", chunk(b"nctg", b"place")), FRAMES), True),
        (avi(HEADER, chunk(b"JUNK", b"notes of the maker"), FRAMES), True),
        (avi(HEADER, chunk(b"JUNK", bytes((1 << 20) + 1)), FRAMES), True),
        (avi(HEADER, FRAMES, chunk(b"movi", b"no list")), True),
        (PLAIN + b"trailer of a camera", True),
        (PLAIN[:-8], True),
        (avi(HEADER, struct.pack("<4sI", b"LIST", 2) + b"xx", FRAMES), True),
        (avi(chunk(b"idx1") * (MAX_CHUNKS + 1)), True),
    ],
)
def test_parts_that_no_program_reports_are_found(
    tmp_path: Path, content: bytes, unknown: bool
) -> None:
    path = tmp_path / "film.avi"
    path.write_bytes(content)
    assert has_unknown_chunks(path) is unknown
