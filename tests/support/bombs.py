"""Videos that claim far more work than they have bytes."""

import struct
from collections.abc import Callable
from pathlib import Path

from support.media import make

CONTAINERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts")
GROUP = 60
"""Frames in the one group of pictures that the file really has."""
RATE = 60


def repeated_frames(path: Path, *, repeats: int, size: str = "3840x2160") -> Path:
    """Make an MP4 of one second whose table of chunks names that second ``repeats`` times.

    Every box agrees with it, so that the file is valid; 4 bytes are needed for each frame
    (``stsz``). Browsers do not play its codec (MPEG-4 part 2), so that it is encoded although it
    has few bits.
    """
    seed = path.with_suffix(".seed.mp4")
    make(
        [
            "-f", "lavfi", "-i", f"color=black:s={size}:r={RATE}:d={GROUP / RATE}",
            "-c:v", "mpeg4", "-bf", "0", "-g", str(GROUP), "-an",
            "-video_track_timescale", str(RATE), str(seed),
        ]
    )  # fmt: skip
    content = seed.read_bytes()
    seed.unlink()
    moov_at, moov_size = _find(content, b"moov")
    moov = content[moov_at : moov_at + moov_size]
    before, after = content[:moov_at], content[moov_at + moov_size :]
    assert b"mdat" in before, "the table's offsets must not move"
    frames = GROUP * repeats
    changes: dict[bytes, Callable[[bytes], bytes]] = {
        b"stsz": lambda box: box[:12] + _many(box[12:], GROUP, repeats),
        b"stco": lambda box: box[:4] + struct.pack(">I", repeats) + box[8:12] * repeats,
        b"stsc": lambda box: box[:4] + struct.pack(">IIII", 1, 1, GROUP, 1),
        b"stts": lambda box: box[:4] + struct.pack(">III", 1, frames, 1),
        b"stss": lambda box: (
            box[:4]
            + struct.pack(">I", repeats)
            + struct.pack(f">{repeats}I", *range(1, frames + 1, GROUP))
        ),
        b"mvhd": lambda box: _at(box, 16, frames * 1000 // RATE),
        b"tkhd": lambda box: _at(box, 20, frames * 1000 // RATE),
        b"mdhd": lambda box: _at(box, 16, frames),
        b"elst": lambda box: _at(box, 8, frames * 1000 // RATE),
    }
    path.write_bytes(before + _changed(moov, changes) + after)
    return path


def _many(sizes: bytes, count: int, repeats: int) -> bytes:
    return sizes[: 4 * count] * repeats


def _at(box: bytes, where: int, value: int) -> bytes:
    return box[:where] + struct.pack(">I", value) + box[where + 4 :]


def _find(content: bytes, name: bytes) -> tuple[int, int]:
    at = 0
    while at < len(content):
        (size,) = struct.unpack_from(">I", content, at)
        if content[at + 4 : at + 8] == name:
            return at, size
        at += size
    raise ValueError(name)


def _changed(boxes: bytes, changes: dict[bytes, Callable[[bytes], bytes]]) -> bytes:
    made, at = b"", 0
    while at < len(boxes):
        (size,) = struct.unpack_from(">I", boxes, at)
        name, body = boxes[at + 4 : at + 8], boxes[at + 8 : at + size]
        if name in CONTAINERS:
            body = _changed(body, changes)
        elif name in changes:
            body = changes[name](body)
            if name == b"stsz":
                body = body[:8] + struct.pack(">I", (len(body) - 12) // 4) + body[12:]
        made += struct.pack(">I", len(body) + 8) + name + body
        at += size
    return made
