"""Still pictures that no encoder here makes: EXIF, wide gamut, CMYK, HEIC, a PNG of 144 MP."""

import struct
import zlib
from pathlib import Path
from typing import Final

from media.scene import HEIGHT, SPOTS, WIDTH, Colour, as_yuv, drawing, ffmpeg

P3_RED: Final = (
    (0.51512, 0.24120, -0.00105),
    (0.29198, 0.69225, 0.04189),
    (0.15710, 0.06657, 0.78407),
)
"""Display P3's primaries as XYZ under D50, red, green, blue (CSS Color Module Level 4)."""


def still(
    path: Path, *out: str | Path, graph: str = "", size: tuple[int, int] = (WIDTH, HEIGHT)
) -> None:
    """Draw the scene as one picture."""
    drawn = f"{drawing(size, rate='1', seconds=1, noise=4)}{',' + graph if graph else ''}"
    ffmpeg("-f", "lavfi", "-i", drawn, "-frames:v", "1", *out, path)


def jpeg(path: Path, graph: str = "") -> None:
    """Draw the scene as a JPEG of best quality."""
    turned = (
        f"{graph},{as_yuv('yuvj444p', values='pc')}" if graph else as_yuv("yuvj444p", values="pc")
    )
    still(path, "-c:v", "mjpeg", "-q:v", "1", graph=turned)


def insert_segment(path: Path, marker: int, body: bytes) -> None:
    """Insert a marker segment behind a JPEG's start."""
    data = path.read_bytes()
    path.write_bytes(data[:2] + struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body + data[2:])


def exif(orientation: int, *, gps: bool) -> bytes:
    """Return an APP1 segment's body: orientation, camera, date, optionally a place (EXIF 2.32)."""
    strings = {0x010F: b"Maker\0", 0x0132: b"2024:05:06 07:08:09\0"}
    entries = 3 + gps
    heap_at = 8 + 2 + entries * 12 + 4
    heap, rows = b"", []
    for tag, value in strings.items():
        rows.append(struct.pack(">HHII", tag, 2, len(value), heap_at + len(heap)))
        heap += value
    rows.append(struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0))
    if gps:
        at = heap_at + len(heap)
        rows.append(struct.pack(">HHII", 0x8825, 4, 1, at))
        numbers_at = at + 2 + 4 * 12 + 4
        place = struct.pack(">6I", 48, 1, 51, 1, 30, 1) + struct.pack(">6I", 2, 1, 17, 1, 40, 1)
        heap += struct.pack(">H", 4)
        heap += struct.pack(">HHI4s", 1, 2, 2, b"N\0\0\0") + struct.pack(
            ">HHII", 2, 5, 3, numbers_at
        )
        heap += struct.pack(">HHI4s", 3, 2, 2, b"E\0\0\0") + struct.pack(
            ">HHII", 4, 5, 3, numbers_at + 24
        )
        heap += bytes(4) + place
    rows.sort()
    ifd = struct.pack(">H", entries) + b"".join(rows) + bytes(4)
    return b"Exif\0\0MM\0*" + struct.pack(">I", 8) + ifd + heap


def display_p3() -> bytes:
    """Return an ICC profile (version 2) with the primaries of Display P3 and a gamma of 2.2."""

    def xyz(values: tuple[float, float, float]) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in values))

    text = b"Wide\0"
    described = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + bytes(78)
    tags = [
        (b"desc", described), (b"cprt", b"text\0\0\0\0none\0"),
        (b"wtpt", xyz((0.9642, 1.0, 0.8249))),
        *((name, xyz(value))
          for name, value in zip((b"rXYZ", b"gXYZ", b"bXYZ"), P3_RED, strict=True)),
        *((name, b"curv\0\0\0\0" + struct.pack(">IH", 1, 0x0233))
          for name in (b"rTRC", b"gTRC", b"bTRC")),
    ]  # fmt: skip
    at = 128 + 4 + len(tags) * 12
    table, data = struct.pack(">I", len(tags)), b""
    for name, body in tags:
        padded = body + bytes(-len(body) % 4)
        table += name + struct.pack(">II", at + len(data), len(body))
        data += padded
    size = 128 + len(table) + len(data)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acsp" + bytes(28)
    head += struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + data


def cmyk_jpeg(path: Path) -> None:
    """Write the scene as a CMYK JPEG as Adobe's programs do (inverted), of flat blocks only."""
    bits: list[str] = []
    before = [0, 0, 0, 0]
    for row in range(0, HEIGHT // 8 * 8 + 8, 8):
        for column in range(0, WIDTH, 8):
            inks = (*_colour_at(column + 4, min(row + 4, HEIGHT - 1)), 255)
            for plane, value in enumerate(inks):
                level = (value - 128) * 8
                bits.append(_coded(level - before[plane]) + "0")
                before[plane] = level
    text = "".join(bits)
    text += "1" * (-len(text) % 8)
    coded = bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8)).replace(
        b"\xff", b"\xff\0"
    )
    parts = [
        b"\xff\xd8", b"\xff\xee\x00\x0eAdobe\x00\x64\0\0\0\0\0",
        b"\xff\xdb\x00\x43\x00" + b"\x01" * 64,
        b"\xff\xc0" + struct.pack(">HBHHB", 20, 8, HEIGHT, WIDTH, 4)
        + b"".join(bytes([n, 0x11, 0]) for n in (1, 2, 3, 4)),
        b"\xff\xc4" + struct.pack(">H", 2 + 17 + 12) + b"\x00"
        + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12)),
        b"\xff\xc4" + struct.pack(">H", 2 + 17 + 1) + b"\x10" + bytes([1] + [0] * 15) + b"\0",
        b"\xff\xda" + struct.pack(">HB", 14, 4)
        + b"".join(bytes([n, 0]) for n in (1, 2, 3, 4)) + b"\0\x3f\0",
        coded, b"\xff\xd9",
    ]  # fmt: skip
    path.write_bytes(b"".join(parts))


def _coded(difference: int) -> str:
    size = abs(difference).bit_length()
    value = difference if difference >= 0 else difference + (1 << size) - 1
    return format(size, "04b") + (format(value, f"0{size}b") if size else "")


def _colour_at(x: int, y: int) -> Colour:
    for (left, top, width, height), colour in SPOTS.values():
        if left <= x < left + width and top <= y < top + height:
            return colour
    return ((x * 5) % 200, (y * 7) % 200, 90)


def heic(path: Path) -> None:
    """Write the scene as an HEIC: one HEVC picture in an HEIF file (ISO/IEC 23008-12)."""
    film = path.with_suffix(".made.mp4")
    still(film, "-c:v", "libx265", "-preset", "ultrafast", "-crf", "4", "-tag:v", "hvc1",
          "-x265-params",
          "log-level=error:keyint=1", graph=as_yuv())  # fmt: skip
    whole = film.read_bytes()
    film.unlink()
    at = whole.index(b"hvcC")
    (size,) = struct.unpack_from(">I", whole, at - 4)
    configuration = whole[at - 4 : at - 4 + size]
    start = whole.index(b"mdat")
    (data_size,) = struct.unpack_from(">I", whole, start - 4)
    coded = whole[start + 4 : start - 4 + data_size]

    def box(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", len(body) + 8, kind) + body

    def full(kind: bytes, body: bytes, version: int = 0) -> bytes:
        return box(kind, struct.pack(">I", version << 24) + body)

    head = box(b"ftyp", b"heic\0\0\0\0mif1heic")

    def meta(offset: int) -> bytes:
        handler = full(b"hdlr", bytes(4) + b"pict" + bytes(12) + b"\0")
        primary = full(b"pitm", struct.pack(">H", 1))
        info = full(
            b"iinf",
            struct.pack(">H", 1) + full(b"infe", struct.pack(">HH4s", 1, 0, b"hvc1") + b"\0", 2),
        )
        where = full(b"iloc", struct.pack(">BBHHHHII", 0x44, 0, 1, 1, 0, 1, offset, len(coded)))
        size_ = full(b"ispe", struct.pack(">II", WIDTH, HEIGHT))
        colours = box(b"colr", b"nclx" + struct.pack(">HHHB", 1, 13, 6, 0))
        properties = box(b"ipco", configuration + size_ + colours)
        linked = full(b"ipma", struct.pack(">IHBBBB", 1, 1, 3, 0x81, 2, 3))
        return full(b"meta", handler + primary + where + info + box(b"iprp", properties + linked))

    offset = len(head) + len(meta(0)) + 8
    path.write_bytes(head + meta(offset) + box(b"mdat", coded))


def large_png(path: Path, side: int = 12000) -> None:
    """Write a PNG of ``side`` by ``side`` dots, 144 million of them, all of one grey."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    packer = zlib.compressobj(6)
    row = b"\0" + b"\x80" * side
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )
