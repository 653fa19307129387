"""Changes in the bytes of media files that no muxer makes."""

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

_CONTAINERS: Final = {
    b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"udta": 0, b"edts": 0,
    b"stsd": 8, b"avc1": 78, b"hvc1": 78, b"hev1": 78, b"meta": 4,
}  # fmt: skip


class Box:
    """One box of an ISO media file: its kind, and its contents or its children.

    ``head`` is what stands before the children.
    """

    def __init__(self, kind: bytes, body: bytes) -> None:
        self.kind = kind
        self.children: list[Box] | None = None
        self.head = body
        if kind in _CONTAINERS:
            skipped = _CONTAINERS[kind]
            if kind == b"meta" and body[4:8] == b"hdlr":
                skipped = 0
            self.head, self.children = body[:skipped], boxes(body[skipped:])

    def encoded(self) -> bytes:
        """Return the box as it stands in a file."""
        body = self.head + b"".join(child.encoded() for child in self.children or ())
        return struct.pack(">I", len(body) + 8) + self.kind + body

    def find(self, *path: bytes) -> "Box":
        """Return the first box down this path."""
        found = self
        for kind in path:
            found = next(child for child in found.children or () if child.kind == kind)
        return found

    def all(self, kind: bytes) -> "list[Box]":
        """Return the children of this kind."""
        return [child for child in self.children or () if child.kind == kind]


def boxes(data: bytes) -> list[Box]:
    """Return the boxes of a file or of a body, in their order."""
    found, at = [], 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif size == 0:
            size = len(data) - at
        if size < head:
            break
        found.append(Box(kind, data[at + head : at + size]))
        at += size
    return found


def change_movie(path: Path, change: Callable[[Box], None]) -> None:
    """Change the ``moov`` box, which must stand behind the data, so that no offset moves."""
    whole = boxes(path.read_bytes())
    kinds = [box.kind for box in whole]
    assert kinds.index(b"moov") > kinds.index(b"mdat")
    change(whole[kinds.index(b"moov")])
    path.write_bytes(b"".join(box.encoded() for box in whole))


def tracks(movie: Box, handler: bytes) -> list[Box]:
    """Return the tracks with this handler (``vide``, ``soun``)."""
    return [
        track for track in movie.all(b"trak") if track.find(b"mdia", b"hdlr").head[8:12] == handler
    ]


def set_matrix(path: Path, numbers: tuple[float, float, float, float]) -> None:
    """Set how the first picture is turned for display: a, b, c, d of ISO/IEC 14496-12, 8.3.2."""
    a, b, c, d = (round(number * 65536) for number in numbers)
    matrix = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)

    def change(movie: Box) -> None:
        header = tracks(movie, b"vide")[0].find(b"tkhd")
        at = 52 if header.head[0] else 40
        header.head = header.head[:at] + matrix + header.head[at + 36 :]

    change_movie(path, change)


def sample_entry(track: Box) -> Box:
    """Return the description of a track's samples."""
    described = track.find(b"mdia", b"minf", b"stbl", b"stsd").children
    assert described
    return described[0]


def add_to_sample_entry(path: Path, kind: bytes, body: bytes) -> None:
    """Add a box to the description of the first picture."""

    def change(movie: Box) -> None:
        children = sample_entry(tracks(movie, b"vide")[0]).children
        assert children is not None
        children.append(Box(kind, body))

    change_movie(path, change)


def empty_track(path: Path, handler: bytes) -> None:
    """Take all samples of the first track with this handler out of its tables."""

    def change(movie: Box) -> None:
        table = tracks(movie, handler)[0].find(b"mdia", b"minf", b"stbl")
        assert table.children
        kept = []
        for box in table.children:
            if box.kind in (b"stts", b"stsc", b"stco"):
                kept.append(Box(box.kind, bytes(8)))
            elif box.kind == b"stsz":
                kept.append(Box(box.kind, bytes(12)))
            elif box.kind == b"stsd":
                kept.append(box)
        table.children = kept

    change_movie(path, change)


def set_brand(path: Path, brand: bytes) -> None:
    """Write another major brand into the file type box."""
    data = path.read_bytes()
    assert data[4:8] == b"ftyp"
    path.write_bytes(data[:8] + brand + data[12:])


def garble(path: Path, start: float, end: float, count: int, seed: int = 7) -> None:
    """Flip ``count`` bytes between two shares (0 to 1) of the file."""
    import random

    data, chance = bytearray(path.read_bytes()), random.Random(seed)
    for _ in range(count):
        data[chance.randrange(int(len(data) * start), int(len(data) * end))] ^= (
            1 << chance.randrange(8) | 1
        )
    path.write_bytes(data)


def zero(path: Path, start: float, end: float) -> None:
    """Write zeros between two shares (0 to 1) of the file."""
    data = bytearray(path.read_bytes())
    first, last = int(len(data) * start), int(len(data) * end)
    data[first:last] = bytes(last - first)
    path.write_bytes(data)


def cut(path: Path, share: float) -> None:
    """Keep only the first share (0 to 1) of the file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def without_default_duration(path: Path) -> None:
    """Replace each DefaultDuration of a Matroska file by a Void of its size: browsers write none."""
    data = bytearray(path.read_bytes())
    for size in (3, 4):
        mark = b"\x23\xe3\x83" + bytes([0x80 | size])
        at = data.find(mark, 0, 8192)
        while at >= 0:
            data[at : at + 4 + size] = bytes([0xEC, 0x80 | (size + 2)]) + bytes(size + 2)
            at = data.find(mark, at, 8192)
    assert b"\x23\xe3\x83" not in data[:8192]
    path.write_bytes(data)
