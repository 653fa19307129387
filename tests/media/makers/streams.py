"""Streams besides one picture and one sound: covers, pictures, subtitles, chapters, data, tags."""

import struct
from pathlib import Path

from media import checks, film_checks
from media.cases import Group
from media.scene import AAC, X264, beeps, ffmpeg, film, picture
from media.surgery import Box, add_to_sample_entry, change_movie

GROUP = Group("streams")
case = GROUP.case
KEPT = "the original kept"


def _jpeg(path: Path, size: str = "320x180") -> Path:
    ffmpeg("-f", "lavfi", "-i", f"testsrc2=s={size}", "-frames:v", "1", "-c:v", "mjpeg", path)
    return path


@case("58_timecode.mov", KEPT, film_checks.film(), played=True)
def timecode(path: Path) -> None:
    film(path, "-timecode", "01:00:00:00")


@case("59_gpmd.mp4", KEPT, film_checks.film())
def telemetry(path: Path) -> None:
    film(path, "-timecode", "01:00:00:00")

    def change(movie: Box) -> None:
        track = next(
            t for t in movie.all(b"trak") if t.find(b"mdia", b"hdlr").head[8:12] == b"tmcd"
        )
        handler = track.find(b"mdia", b"hdlr")
        handler.head = handler.head[:8] + b"meta" + handler.head[12:]
        described = track.find(b"mdia", b"minf", b"stbl", b"stsd")
        described.children = [Box(b"gpmd", bytes(6) + b"\0\1" + bytes(4))]

    change_movie(path, change)


APPLE = ("-movflags", "use_metadata_tags", "-metadata", "com.apple.quicktime.make=Apple",
         "-metadata", "com.apple.quicktime.model=iPhone 15",
         "-metadata", "creation_time=2024-05-06T07:08:09Z",
         "-metadata", "com.apple.quicktime.location.ISO6709=+48.8584+002.2945+035.000/",
         "-metadata", "com.apple.quicktime.content.identifier=0A1B2C3D-0000-4000-8000-00000000ABCD",
         )  # fmt: skip
DATED = ("-metadata", "title=Birthday", "-metadata", "creation_time=2024-05-06T07:08:09Z",
         "-metadata", "location=+48.8584+002.2945/")  # fmt: skip


@case(
    "60_iphone.mov",
    "the recording date kept",
    film_checks.film(),
    film_checks.tags(creation_time="2024-05-06T07:08:09"),
    played=True,
)
def iphone(path: Path) -> None:
    film(path, *APPLE)


@case(
    "61_gps_title_date.mp4",
    "title, date and, by the default policy, place kept",
    film_checks.film(),
    film_checks.tags(title="Birthday", creation_time="2024-05-06T07:08:09", location="48.8584"),
)
def android(path: Path) -> None:
    film(path, *DATED)


@case(
    "61b_no_gain_gps.mp4",
    "title, date, place kept",
    film_checks.film(),
    film_checks.tags(title="Birthday", location="48.8584"),
)
def small_android(path: Path) -> None:
    film(
        path,
        *DATED,
        "-crf",
        "40",
        video=("-c:v", "libx264", "-crf", "38"),
        noise=0,
        audio=("-c:a", "aac", "-b:a", "48k"),
    )


@case("62_cover_first.mp4", "compressed", film_checks.film(), checks.smaller(), played=True)
def cover_first(path: Path) -> None:
    cover = _jpeg(path.with_name("cover.jpg"))
    film_ = path.with_name("film.mp4")
    film(film_)
    ffmpeg(
        "-i",
        film_,
        "-i",
        cover,
        "-map",
        "0",
        "-map",
        "1",
        "-c",
        "copy",
        "-disposition:v:1",
        "attached_pic",
        path,
    )
    cover.unlink()
    film_.unlink()

    def change(movie: Box) -> None:
        assert movie.children
        udta = movie.find(b"udta")
        movie.children.remove(udta)
        movie.children.insert(1, udta)

    change_movie(path, change)


@case("63_wmv_picture.wmv", "compressed", film_checks.film(), checks.smaller())
def wmv_picture(path: Path) -> None:
    film(path, video=("-c:v", "wmv2", "-q:v", "2"), audio=("-c:a", "wmav2"))
    cover = _jpeg(path.with_name("cover.jpg"), "64x36")
    picture_ = cover.read_bytes()
    cover.unlink()
    text = "image/jpeg\0".encode("utf-16-le") + "\0".encode("utf-16-le")
    value = b"\x03" + struct.pack("<I", len(picture_)) + text + picture_
    name = "WM/Picture\0".encode("utf-16-le")
    entry = struct.pack("<H", len(name)) + name + struct.pack("<HH", 1, len(value)) + value
    body = struct.pack("<H", 1) + entry
    guid = bytes.fromhex("40a4d0d207e3d21197f000a0c95ea850")
    added = guid + struct.pack("<Q", len(body) + 24) + body
    data = path.read_bytes()
    size, count = struct.unpack_from("<QI", data, 16)
    # The picture goes before all other objects of the header, so that it is the first stream.
    data = (
        data[:16]
        + struct.pack("<QI", size + len(added), count + 1)
        + data[28:30]
        + added
        + data[30:]
    )
    path.write_bytes(data)


@case("64_thumbnail_first.mp4", "the film", film_checks.film(), picture="0:v:1", played=True)
def thumbnail_first(path: Path) -> None:
    thumbnail, film_ = path.with_name("thumb.mp4"), path.with_name("film.mp4")
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=320x180", "-frames:v", "1", "-c:v", "mjpeg", thumbnail)
    film(film_)
    ffmpeg("-i", thumbnail, "-i", film_, "-map", "0:v", "-map", "1", "-c", "copy", path)
    thumbnail.unlink()
    film_.unlink()


@case(
    "65_default_second.mkv", "the picture that is the default", film_checks.film(), picture="0:v:1"
)
def default_second(path: Path) -> None:
    ffmpeg("-f", "lavfi", "-i", "testsrc2=s=160x90:r=25:d=4", *picture(), *beeps(), "-map", "0",
           "-map", "1", "-map", "2",
           *X264, *AAC, "-disposition:v:0", "0", "-disposition:v:1", "default", path)  # fmt: skip


_SRT = "1\n00:00:00,500 --> 00:00:01,500\n{0} one\n\n2\n00:00:02,000 --> 00:00:03,000\n{0} two\n"


def _texts(path: Path, languages: tuple[str, ...]) -> list[Path]:
    made = []
    for language in languages:
        made.append(path.with_name(f"{language}.srt"))
        made[-1].write_text(_SRT.format(language))
    return made


@case(
    "83_mov_text.mp4",
    "both carried",
    film_checks.film(),
    film_checks.subtitles(2, languages=("eng", "fre")),
    played=True,
)
def mov_text(path: Path) -> None:
    one, two = _texts(path, ("eng", "fre"))
    ffmpeg(*picture(), *beeps(), "-i", one, "-i", two, "-map", "0", "-map", "1", "-map", "2",
           "-map", "3", *X264, *AAC,
           "-c:s", "mov_text", "-metadata:s:s:0", "language=eng", "-metadata:s:s:1", "language=fre",
           path)  # fmt: skip
    one.unlink()
    two.unlink()


@case(
    "84_ass_font.mkv",
    "text carried, the original kept",
    film_checks.film(),
    film_checks.subtitles(1),
)
def ass_font(path: Path) -> None:
    (one,) = _texts(path, ("ger",))
    font = Path("/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")
    ffmpeg(*picture(), *beeps(), "-i", one, "-map", "0", "-map", "1", "-map", "2", *X264, *AAC,
           "-c:s", "ass",
           "-metadata:s:s:0", "language=ger", "-attach", font, "-metadata:s:t", "mimetype=font/ttf",
           path)  # fmt: skip
    one.unlink()


def _pgs() -> bytes:
    """Return a subtitle of one white box, as Blu-ray discs have them (US 2009/0185789 A1)."""

    def segment(seconds: float, kind: int, body: bytes) -> bytes:
        return b"PG" + struct.pack(">IIBH", int(seconds * 90000), 0, kind, len(body)) + body

    row = b"\x00\xa0\x01\x00\x00"  # 32 dots of colour 1, then the end of the line
    data = row * 16
    shown = struct.pack(">HHBHBBBB", 320, 180, 0x10, 0, 0x80, 0, 0, 1) + struct.pack(
        ">HBBHH", 0, 0, 0, 100, 150
    )
    gone = struct.pack(">HHBHBBBB", 320, 180, 0x10, 1, 0, 0, 0, 0)
    window = struct.pack(">BBHHHH", 1, 0, 100, 150, 32, 16)
    palette = b"\0\0" + b"\x01\xeb\x80\x80\xff"
    drawn = (
        struct.pack(">HBB", 0, 0, 0xC0)
        + (len(data) + 4).to_bytes(3, "big")
        + struct.pack(">HH", 32, 16)
        + data
    )
    return b"".join([
        segment(0.5, 0x16, shown), segment(0.5, 0x17, window), segment(0.5, 0x14, palette),
        segment(0.5, 0x15, drawn), segment(0.5, 0x80, b""), segment(2, 0x16, gone),
        segment(2, 0x17, window), segment(2, 0x80, b""),
    ])  # fmt: skip


@case("85_pgs.mkv", KEPT, film_checks.film())
def pgs(path: Path) -> None:
    one = path.with_name("a.sup")
    one.write_bytes(_pgs())
    ffmpeg(
        *picture(),
        *beeps(),
        "-i",
        one,
        "-map",
        "0",
        "-map",
        "1",
        "-map",
        "2",
        *X264,
        *AAC,
        "-c:s",
        "copy",
        path,
    )
    one.unlink()


def _chapters(path: Path) -> None:
    written = path.with_name("chapters.txt")
    parts = [("Opening", 0, 1500), ("Middle", 1500, 3000), ("End", 3000, 4000)]
    written.write_text(
        ";FFMETADATA1\n"
        + "".join(
            f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={a}\nEND={b}\ntitle={t}\n" for t, a, b in parts
        )
    )
    ffmpeg(
        *picture(),
        *beeps(),
        "-i",
        written,
        "-map",
        "0",
        "-map",
        "1",
        "-map_metadata",
        "2",
        *X264,
        *AAC,
        path,
    )
    written.unlink()


@case("86_chapters.mp4", "carried", film_checks.film(), film_checks.chapters(3), played=True)
def chapters_mp4(path: Path) -> None:
    _chapters(path)


@case("87_chapters.mkv", "carried", film_checks.film(), film_checks.chapters(3))
def chapters_mkv(path: Path) -> None:
    _chapters(path)


def _full_box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4sI", len(body) + 12, kind, 0) + body


@case("88_360.mp4", "the original kept, or its projection carried", film_checks.film())
def spherical(path: Path) -> None:
    film(path)
    head = _full_box(b"svhd", b"camera\0")
    projection = _full_box(b"prhd", bytes(12)) + _full_box(b"equi", bytes(16))
    add_to_sample_entry(
        path, b"sv3d", head + struct.pack(">I4s", len(projection) + 8, b"proj") + projection
    )


@case("89_stereo3d.mp4", "the original kept, or its layout carried", film_checks.film())
def stereo(path: Path) -> None:
    film(path)
    add_to_sample_entry(path, b"st3d", bytes(4) + b"\x02")


@case(
    "90_late_subtitle.mkv",
    "compressed; the subtitle does not count as length",
    film_checks.film(),
    checks.smaller(),
)
def late(path: Path) -> None:
    one = path.with_name("late.srt")
    one.write_text("1\n00:01:00,000 --> 00:01:02,000\nlate\n")
    ffmpeg(
        *picture(),
        *beeps(),
        "-i",
        one,
        "-map",
        "0",
        "-map",
        "1",
        "-map",
        "2",
        *X264,
        *AAC,
        "-c:s",
        "srt",
        path,
    )
    one.unlink()


@case("91_mkv_cover.mkv", "the cover kept", film_checks.film())
def mkv_cover(path: Path) -> None:
    cover = _jpeg(path.with_name("cover.jpg"))
    film(path, "-attach", str(cover), "-metadata:s:t", "mimetype=image/jpeg")
    cover.unlink()


@case("92_cea608.mp4", "captions kept", film_checks.film())
def captions(path: Path) -> None:
    raw = path.with_name("raw.h264")
    ffmpeg(*picture(), "-c:v", "libx264", "-preset", "ultrafast", "-crf", "6", "-bf", "0",
           "-x264-params",
           "aud=1:repeat-headers=1", raw)  # fmt: skip
    written = b"\xb5\x00\x31GA94\x03\x41\xff\xfc\x94\x20\xff"
    sei = b"\0\0\0\1\x06\x04" + bytes([len(written)]) + written + b"\x80"
    data = raw.read_bytes()
    parts = data.split(b"\0\0\0\1\x09")
    out = parts[0] + b"".join(b"\0\0\0\1\x09" + part[:1] + sei + part[1:] for part in parts[1:])
    raw.write_bytes(out)
    ffmpeg("-r", "25", "-i", raw, *beeps(), "-map", "0", "-map", "1", "-c:v", "copy", *AAC, path)
    raw.unlink()


@case(
    "104_two_programmes.ts",
    "picture and sound of one programme",
    film_checks.film(),
    film_checks.sounds(default_hz=1000),
    sound="0:2",
)
def programmes(path: Path) -> None:
    # The first programme is a radio's: its sound stands before picture and sound of the other.
    ffmpeg(*beeps(hz=3000), *picture(), *beeps(hz=1000), "-map", "0", "-map", "1", "-map", "2",
           "-c:v", "mpeg2video",
           "-q:v", "2", "-c:a", "mp2", "-program", "title=Radio:st=0",
           "-program", "title=Film:st=1:st=2", path)  # fmt: skip
