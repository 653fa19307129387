"""Tests what the boxes of a file show, and that the number of boxes that are read is limited."""

import struct
from pathlib import Path

import pytest

from tusd_py.worker.media.isobmff import MAX_BOXES, Layout, read_layout


def box(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


MOVIE = box(b"moov", box(b"mvhd", b"x" * 100) + box(b"trak"))


@pytest.mark.parametrize(
    ("kind", "is_protected"), [(b"encv", True), (b"enca", True), (b"avc1", False)]
)
def test_encrypted_samples_are_found_in_any_track(
    tmp_path: Path, kind: bytes, is_protected: bool
) -> None:
    def track(name: bytes) -> bytes:
        kinds = box(b"stsd", struct.pack(">II", 0, 1) + box(name, bytes(70)))
        return box(b"trak", box(b"mdia", box(b"minf", box(b"stbl", kinds))))

    path = tmp_path / "film"
    path.write_bytes(box(b"ftyp") + box(b"moov", track(b"mp4a") + track(kind)) + box(b"mdat"))
    assert read_layout(path).is_protected is is_protected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (box(b"ftyp") + MOVIE + box(b"mdat", b"x"), (True, False, False, False)),
        (box(b"ftyp") + box(b"mdat", b"x") + MOVIE, (False, False, False, False)),
        (box(b"ftyp") + MOVIE + box(b"moof") + box(b"mdat"), (True, True, False, False)),
        (box(b"ftyp") + MOVIE + box(b"mdat", b"x" * 99)[:-9], (False, False, True, True)),
        (box(b"ftyp") + MOVIE + box(b"mdat") + box(b"uuid"), (True, False, False, True)),
        (box(b"ftyp") + MOVIE + box(b"mdat") + b"trailer of a camera", (True, False, False, True)),
        (box(b"moov", box(b"udta", box(b"GUMI"))) + box(b"mdat"), (True, False, False, True)),
        (
            box(b"moov", box(b"udta", box(b"\xa9xyz", b"+1") + b"\0\0\0\0")) + box(b"mdat"),
            (True, False, False, False),
        ),
        (box(b"ftyp") + struct.pack(">I4sQ", 1, b"mdat", 16) + MOVIE, (False, False, False, False)),
        (box(b"ftyp") + MOVIE + struct.pack(">I4s", 0, b"mdat"), (True, False, False, False)),
        (b"", (False, False, False, False)),
        (b"\0\0\0\x04moov" * 9, (False, False, False, True)),
    ],
)
def test_the_layout_of_boxes(
    tmp_path: Path, content: bytes, expected: tuple[bool, bool, bool, bool]
) -> None:
    path = tmp_path / "film"
    path.write_bytes(content)
    fast, fragmented, cut, unknown = expected
    assert read_layout(path) == Layout(
        starts_fast=fast, is_fragmented=fragmented, is_cut=cut, has_unknown=unknown
    )


def test_the_number_of_boxes_that_are_read_is_limited(tmp_path: Path) -> None:
    """A file may be full of boxes of eight bytes, at any level."""
    path = tmp_path / "film"
    empty = struct.pack(">I4s", 8, b"free")
    for number, is_known in ((MAX_BOXES // 2, True), (MAX_BOXES + 1, False)):
        for name in (b"moov", b"trak"):
            content = empty * number
            for around in (name, *((b"moov",) if name != b"moov" else ())):
                content = struct.pack(">I4s", 8 + len(content), around) + content
            path.write_bytes(content)
            assert read_layout(path).has_unknown is not is_known
