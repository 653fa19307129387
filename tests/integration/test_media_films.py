"""Films as cameras, recorders and television make them, encoded by ffmpeg as the worker does it."""

import random
import struct
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest
from support.films import contents_of, encoded, pixels
from support.media import make, video
from support.media import probe as probed

from tusd_py.domain.notes import Note
from tusd_py.worker.media.inventory import Loss
from tusd_py.worker.media.plan import Wishes

QUICK = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "4")
FOUR = [(192, 0, 0), (0, 192, 0), (0, 0, 192), (192, 192, 0)]
SPOTS = (
    "color=c=0xC00000:s=64x64:r=10:d=0.5,format=rgb24,drawbox=32:0:32:32:0x00C000:t=fill"
    ",drawbox=0:32:32:32:0x0000C0:t=fill,drawbox=32:32:32:32:0xC0C000:t=fill"
)


def test_a_film_behind_a_thumbnail_is_the_film(tmp_path: Path) -> None:
    thumbnail, source = tmp_path / "thumbnail.mp4", tmp_path / "camera.mp4"
    make(
        [
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=320x240",
            "-frames:v",
            "1",
            "-c:v",
            "mjpeg",
            str(thumbnail),
        ]
    )
    film = video(tmp_path / "film.mp4")
    make(
        [
            "-i",
            str(thumbnail),
            "-i",
            str(film),
            "-map",
            "0:v",
            "-map",
            "1",
            "-c",
            "copy",
            str(source),
        ]
    )
    found = encoded(source, "mov", tmp_path / "made.mp4")
    (picture,) = found.made.of_kind("video")
    assert (picture.width, picture.frames) == (160, 30)
    assert (found.objection, found.lost) == (None, {Loss.COVER})


def test_sounds_subtitles_chapters_and_tags_are_carried(tmp_path: Path) -> None:
    film, text, chapters = video(tmp_path / "f.mp4"), tmp_path / "s.srt", tmp_path / "chapters"
    text.write_text("1\n00:00:00,000 --> 00:00:01,000\nHi\n")
    chapters.write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\n"
    )
    source = tmp_path / "source.mp4"
    make(
        [
            "-i", str(film), "-i", str(text), "-f", "ffmetadata", "-i", str(chapters),
            "-map", "0", "-map", "0:a", "-map", "1", "-map_chapters", "2", "-c", "copy",
            "-c:s", "mov_text",
            "-metadata:s:a:0", "language=fra", "-metadata:s:a:1", "language=jpn",
            "-disposition:a:0", "0",
            "-disposition:a:1", "default", "-metadata:s:s:0", "language=deu",
            "-metadata", "title=Film",
            "-metadata", "creation_time=2024-05-06T07:08:09Z",
            "-metadata", "com.apple.quicktime.make=Apple",
            "-movflags", "use_metadata_tags", str(source),
        ]
    )  # fmt: skip
    found = encoded(source, "mov", tmp_path / "made.mp4")
    sounds = found.made.of_kind("audio")
    assert [one.language for one in sounds] == ["fra", "jpn"]
    assert ["default" in one.disposition for one in sounds] == [False, True]
    assert [one.language for one in found.made.of_kind("subtitle")] == ["deu"]
    assert [one.title for one in found.made.chapters] == ["One", "Two"]
    assert found.made.tags["com.apple.quicktime.make"] == "Apple"
    assert found.made.tags["creation_time"].startswith("2024-05-06T07:08:09")
    assert (found.objection, found.lost) == (None, frozenset())


@pytest.mark.parametrize(
    ("policy", "place", "maker"), [("strip_location", False, True), ("strip_all", False, False)]
)
def test_tags_are_removed_by_the_settings(
    tmp_path: Path, policy: str, place: bool, maker: bool
) -> None:
    film, source = video(tmp_path / "f.mp4", sound=False), tmp_path / "source.mov"
    make(
        [
            "-i", str(film), "-c", "copy", "-metadata", "com.apple.quicktime.make=Apple",
            "-metadata", "com.apple.quicktime.location.ISO6709=+1+2/",
            "-metadata", "location=+1+2/",
            "-metadata", "creation_time=2024-05-06T07:08:09Z", "-movflags", "use_metadata_tags",
            str(source),
        ]
    )  # fmt: skip
    wishes = Wishes(preset="ultrafast", metadata=policy)  # type: ignore[arg-type]
    made = encoded(source, "mov", tmp_path / "made.mp4", wishes).made
    assert b"+1+2/" not in (tmp_path / "made.mp4").read_bytes()
    assert ("com.apple.quicktime.make" in made.tags) is maker
    assert made.tags["creation_time"].startswith("2024-05-06T07:08:09")


@pytest.mark.parametrize("suffix", [".mp4", ".ts"])
def test_a_garbled_film_is_refused(tmp_path: Path, suffix: str) -> None:
    source = video(tmp_path / f"garbled{suffix}", seconds=3.0, crf=12)
    content = bytearray(source.read_bytes())
    chance = random.Random(17)
    for _ in range(400):
        content[chance.randrange(int(len(content) * 0.3), int(len(content) * 0.7))] ^= 0xFF
    source.write_bytes(content)
    found = encoded(source, {".mp4": "mov", ".ts": "mpegts"}[suffix], tmp_path / "made.mp4")
    assert found.objection is Note.DAMAGED


def test_a_zeroed_film_is_refused(tmp_path: Path) -> None:
    source = video(tmp_path / "zeroed.mp4", seconds=3.0, crf=12)
    content = source.read_bytes()
    start, end = int(len(content) * 0.4), int(len(content) * 0.7)
    source.write_bytes(content[:start] + bytes(end - start) + content[end:])
    assert encoded(source, "mov", tmp_path / "made.mp4").objection is Note.DAMAGED


def test_a_recording_that_changes_its_size_keeps_the_largest(tmp_path: Path) -> None:
    joined = b""
    number = 0
    for size in ("64x36", "128x72"):
        part = tmp_path / f"{size}.ivf"
        make(
            [
                "-f",
                "lavfi",
                "-i",
                f"testsrc2=s={size}:r=10:d=0.5",
                "-c:v",
                "libvpx",
                "-auto-alt-ref",
                "0",
                str(part),
            ]
        )
        content = part.read_bytes()
        joined = joined or content[:32]
        at = 32
        while at < len(content):
            (length,) = struct.unpack_from("<I", content, at)
            joined += struct.pack("<IQ", length, number) + content[at + 12 : at + 12 + length]
            at, number = at + 12 + length, number + 1
    whole, source, made = tmp_path / "whole.ivf", tmp_path / "whole.webm", tmp_path / "made.mp4"
    whole.write_bytes(joined)
    make(["-i", str(whole), "-c", "copy", str(source)])
    found = encoded(source, "matroska", made)
    (picture,) = found.made.of_kind("video")
    assert (picture.width, picture.height, picture.frames) == (128, 72, 10)
    assert found.objection is None


def test_the_timestamps_of_a_browsers_recording_are_kept(tmp_path: Path) -> None:
    """Browsers write milliseconds and no frame rate; ffmpeg then guesses 1000 frames a second."""
    source, made = tmp_path / "recording.webm", tmp_path / "made.mp4"
    make(
        [
            "-f", "lavfi", "-i", "testsrc2=s=64x36:r=30:d=2", "-vf",
            "settb=1/1000,setpts='PTS+floor(random(1)*20)'", "-fps_mode", "passthrough",
            "-enc_time_base", "1:1000",
            "-r", "1000", "-c:v", "libvpx", "-deadline", "realtime", "-auto-alt-ref", "0",
            str(source),
        ]
    )  # fmt: skip
    assert probed(source, "stream=r_frame_rate") == "1000/1"
    found = encoded(source, "matroska", made)
    (picture,) = found.made.of_kind("video")
    assert picture.frames == 60
    assert picture.level is not None
    assert picture.level <= 30
    assert _times(made) == pytest.approx(_times(source), abs=0.0015)


@pytest.mark.parametrize("rate", ["30000/1001", "24000/1001", "120", "1/4"])
def test_exact_rates_stay_exact(tmp_path: Path, rate: str) -> None:
    source = tmp_path / "film.mp4"
    make(
        ["-f", "lavfi", "-i", f"testsrc2=s=64x36:r={rate}", "-frames:v", "12", *QUICK, str(source)]
    )
    (picture,) = encoded(source, "mov", tmp_path / "made.mp4").made.of_kind("video")
    assert (picture.frames, picture.average_rate) == (12, Fraction(rate))


def _times(path: Path) -> list[float]:
    text = probed(path, "packet=pts_time")
    times = sorted(float(line) for line in text.splitlines() if line)
    return [time - times[0] for time in times]


GREYS = ("0x404040", "0x808080", "0xc0c0c0", "0xffffff")


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_the_greys_of_hdr_look_as_they_were_meant(tmp_path: Path, transfer: str) -> None:
    """Diffuse white lies at 203 cd/m2 in HDR.

    A conversion that ignores the tags shows 69, 104, 129, 146 for PQ.
    """
    boxes = ",".join(
        f"drawbox={64 * number}:0:64:64:{grey}:t=fill" for number, grey in enumerate(GREYS)
    )
    source, made = tmp_path / "hdr.mp4", tmp_path / "made.mp4"
    make(
        [
            "-f", "lavfi", "-i", f"color=black:s=256x64:r=10:d=0.3,format=rgb24,{boxes}", "-vf",
            "format=gbrp,setparams=colorspace=gbr:color_trc=bt709:color_primaries=bt709:range=pc,"
            "zscale=transfer=linear:npl=100,format=gbrpf32le,"
            f"zscale=tin=linear:transfer={transfer}:primaries=bt2020:matrix=bt2020nc:range=limited:npl=203,"
            "format=yuv420p10le",
            "-c:v", "libx265", "-x265-params", "log-level=error:lossless=1",
            "-color_primaries", "bt2020",
            "-color_trc", transfer, "-colorspace", "bt2020nc", "-color_range", "tv", str(source),
        ]
    )  # fmt: skip
    found = encoded(source, "mov", made)
    seen = [pixel[0] for pixel in pixels(made, size="4x1")]
    assert seen == pytest.approx([64, 128, 185, 215], abs=4)
    (picture,) = found.made.of_kind("video")
    assert (picture.colour.transfer, picture.pixel_format) == ("bt709", "yuv420p")
    assert found.lost == {Loss.HDR, Loss.BIT_DEPTH}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("rgb.mkv", ["-c:v", "libx264rgb", "-crf", "0"]),
        ("bgr.avi", ["-c:v", "rawvideo", "-pix_fmt", "bgr24"]),
        ("gbr.mkv", ["-c:v", "ffv1", "-pix_fmt", "gbrp"]),
        (
            "vp8.webm",
            ["-vf", "scale=out_color_matrix=bt709:out_range=tv,format=yuv420p,"
             "setparams=colorspace=bt709", "-c:v", "libvpx",
             "-b:v", "4M", "-auto-alt-ref", "0", "-colorspace", "bt709",
             "-color_primaries", "bt709", "-color_trc", "bt709"],
        ),
        (
            "bt601.mp4",
            ["-vf", "scale=out_color_matrix=bt601:out_range=tv,format=yuv420p,"
             "setparams=colorspace=bt470bg",
             *QUICK, "-colorspace", "bt470bg", "-color_primaries", "bt470bg",
             "-color_trc", "smpte170m"],
        ),
        (
            "full.mp4",
            ["-vf", "scale=out_color_matrix=bt709:out_range=pc,format=yuv420p,"
             "setparams=range=pc:colorspace=bt709",
             *QUICK, "-color_range", "pc", "-colorspace", "bt709", "-color_primaries", "bt709",
             "-color_trc", "bt709"],
        ),
    ],
)  # fmt: skip
def test_colours_are_those_that_were_meant(tmp_path: Path, name: str, options: list[str]) -> None:
    source, made = tmp_path / name, tmp_path / "made.mp4"
    make(["-f", "lavfi", "-i", SPOTS, *options, str(source)])
    demuxer = {".mkv": "matroska", ".webm": "matroska", ".avi": "avi", ".mp4": "mov"}
    colour = encoded(source, demuxer[source.suffix], made).made.of_kind("video")[0].colour
    assert colour.space
    assert colour.range == "tv"
    for seen, meant in zip(pixels(made, size="2x2"), FOUR, strict=True):
        assert seen == pytest.approx(meant, abs=8)


def _combing(path: Path, demuxer: str) -> float:
    """Return how much rows differ from their neighbours more than from the rows after these."""
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", demuxer, "-i", str(path),
         "-vf", "scale=64:64:flags=neighbor,format=gray",
         "-f", "rawvideo", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    total = 0
    for at in range(0, len(raw) - 2 * 64, 64):
        one, two, three = raw[at : at + 64], raw[at + 64 : at + 128], raw[at + 128 : at + 192]
        total += sum(
            abs(a + c - 2 * b) > 160 and abs(a - c) < 40
            for a, b, c in zip(one, two, three, strict=True)
        )
    return total / len(raw)


@pytest.mark.parametrize(
    ("name", "demuxer", "options"),
    [
        ("field.mp4", "mov", [*QUICK, "-flags", "+ildct+ilme", "-x264-params", "tff=1"]),
        ("field.ts", "mpegts", ["-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ildct+ilme"]),
        ("unsaid.ts", "mpegts", ["-c:v", "mpeg2video", "-q:v", "2"]),
        ("tape.dv", "dv", ["-vf", "scale=720:576:flags=neighbor:interl=1", "-c:v", "dvvideo",
                           "-pix_fmt", "yuv420p", "-f", "dv"]),
    ],
)  # fmt: skip
def test_fields_become_frames(tmp_path: Path, name: str, demuxer: str, options: list[str]) -> None:
    source, made = tmp_path / name, tmp_path / "made.mp4"
    moving = (
        "color=black:s=64x64:r=50:d=1.2[b];color=white:s=16x64:r=50:d=1.2[w];"
        "[b][w]overlay=x='mod(n*3,64)',tinterlace=mode=interleave_top"
    )
    make(["-f", "lavfi", "-i", moving, *options, str(source)])
    assert _combing(source, demuxer) > 0.02
    encoded(source, demuxer, made)
    assert _combing(made, "mov") < 0.005


@pytest.mark.parametrize(
    ("channels", "expected"), [("5.1", [6, 2]), ("7.1", [8, 2]), ("hexadecagonal", [2]),
                               ("mono", [1])]
)  # fmt: skip
def test_every_layout_of_sound_plays(tmp_path: Path, channels: str, expected: list[int]) -> None:
    source = tmp_path / "film.mov"
    count = {"5.1": 6, "7.1": 8, "hexadecagonal": 16, "mono": 1}[channels]
    tones = "|".join(f"0.1*sin({300 + 60 * number}*t)" for number in range(count))
    make(
        [
            "-f", "lavfi", "-i", "testsrc2=s=64x36:r=10:d=1", "-f", "lavfi",
            "-i", f"aevalsrc={tones}:c={channels}:d=1", *QUICK, "-c:a", "pcm_s16le", str(source),
        ]
    )  # fmt: skip
    found = encoded(source, "mov", tmp_path / "made.mp4")
    assert [one.channels for one in found.made.of_kind("audio")] == expected
    assert "default" in found.made.of_kind("audio")[0].disposition
    assert Loss.LOSSLESS_SOUND in found.lost
    assert (Loss.CHANNELS in found.lost) == (channels == "hexadecagonal")


def test_a_film_is_as_long_as_its_picture_not_as_its_last_subtitle(tmp_path: Path) -> None:
    film, text, source = video(tmp_path / "f.mp4"), tmp_path / "s.srt", tmp_path / "late.mkv"
    text.write_text(
        "1\n00:00:00,000 --> 00:00:01,000\nHi\n\n2\n00:00:40,000 --> 00:00:41,000\nLate\n"
    )
    make(
        [
            "-i",
            str(film),
            "-i",
            str(text),
            "-map",
            "0",
            "-map",
            "1",
            "-c:v",
            "copy",
            "-c:a",
            "copy",
            str(source),
        ]
    )
    assert (contents_of(source, "matroska").duration or 0) > 40
    assert encoded(source, "matroska", tmp_path / "made.mp4").objection is None


def test_what_an_edit_list_hides_is_not_missing(tmp_path: Path) -> None:
    film, source = video(tmp_path / "f.mp4", seconds=3.0), tmp_path / "cut.mp4"
    make(["-ss", "1.2", "-i", str(film), "-c", "copy", str(source)])
    assert probed(source, "stream=nb_frames").split()[0] == "45"
    found = encoded(source, "mov", tmp_path / "made.mp4")
    assert found.objection is None
    # Yet it is in the file.
    assert found.lost == {Loss.FRAMES}


def test_a_sound_that_begins_late_is_whole(tmp_path: Path) -> None:
    film, source = video(tmp_path / "f.mp4", seconds=4.0, sound=False), tmp_path / "late.ts"
    make(
        [
            "-i", str(film), "-itsoffset", "2.5", "-f", "lavfi", "-i", "sine=440:d=1.5",
            "-map", "0", "-map", "1",
            "-c:v", "copy", "-c:a", "aac", str(source),
        ]
    )  # fmt: skip
    assert encoded(source, "mpegts", tmp_path / "made.mp4").objection is None


def test_a_film_in_fragments_keeps_its_sound(tmp_path: Path) -> None:
    film, source = video(tmp_path / "f.mp4", seconds=1.0), tmp_path / "fragments.mp4"
    make(["-i", str(film), "-c", "copy", "-movflags", "frag_keyframe+empty_moov", str(source)])
    found = encoded(source, "mov", tmp_path / "made.mp4")
    assert len(found.made.of_kind("audio")) == 1
    assert (found.objection, found.lost) == (None, frozenset())
