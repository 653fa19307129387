"""The picture program in every sandbox: it works there, reaches nothing else, and may fail."""

import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
import pyvips
from PIL import Image
from support.pictures import CORNERS, TURNED, alike, corners, exif, huge_png, in_srgb, profile, seen

from tusd_py.clock import SystemClock
from tusd_py.settings.pictures import ImageSettings, WatermarkSettings
from tusd_py.worker.images import program as running
from tusd_py.worker.images.jxl import decode_jxl
from tusd_py.worker.images.making import look, render
from tusd_py.worker.images.plan import plan_renditions
from tusd_py.worker.images.program import PictureProgram, needs
from tusd_py.worker.images.strip import Policy, strip_tags
from tusd_py.worker.images.watermark import draw_watermark
from tusd_py.worker.media.causes import Cause, ToolFailed
from tusd_py.worker.media.run import run
from tusd_py.worker.media.sandbox import Kind, Limits, Sandbox

MIB = 1 << 20
BOXES: tuple[Kind, ...] = ("bwrap", "landlock", "rlimit")
PROGRAM = PictureProgram(clock=SystemClock(), stopped=lambda: False)


def box_of(
    kind: Kind, source: Path, output: Path | None = None, memory: int = 1024 * MIB
) -> Sandbox:
    limits = Limits(memory=memory, file_size=64 * MIB, cpu=60)
    return Sandbox(kind=kind, source=source, output=output, limits=limits)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    output, target = tmp_path / "out", tmp_path / "made"
    output.mkdir()
    target.mkdir()
    return output, target


@pytest.mark.parametrize("kind", BOXES)
def test_renditions_are_made_in_every_sandbox(
    kind: Kind, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    source, (output, target) = tmp_path / "source", folders
    TURNED[6](corners((640, 480))).save(source, format="HEIF", exif=exif(6), quality=95)
    settings = ImageSettings(
        thumbnail_size=48,
        sizes=(64, 96),
        formats=("webp", "jpeg", "avif"),
        watermark=WatermarkSettings(text="mark", size=0.1),
    )
    facts = look(PROGRAM, box_of(kind, source), "heic", settings)
    wanted = plan_renditions(facts, "heic", source.stat().st_size, settings)
    made = render(PROGRAM, box_of(kind, source, output), "heic", wanted, settings, target=target)
    assert [one.wanted.name for one in made] == [
        "thumbnail", "preview", "webp-64", "jpeg-64", "avif-64", "webp-96", "jpeg-96", "avif-96",
        "web",
    ]  # fmt: skip
    for one in made:
        assert alike(seen(one.path), CORNERS, within=25)
        assert one.size == one.path.stat().st_size
    assert (made[0].facts.width, made[0].facts.height) == (48, 36)
    assert (made[-1].facts.width, made[-1].facts.height) == (640, 480)


REACHES = """
import json, os, sys
source, output, refused = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
open(source, "rb").read()
def reaches(what, *arguments):
    try:
        what(*arguments)
    except OSError:
        return
    print("reached", what.__name__, arguments)
for path in refused["read"]:
    reaches(open, path)
for path in refused["write"]:
    reaches(open, path, "w")
reaches(os.fork)
import socket
reaches(socket.socket)
print("tried")
"""


@pytest.mark.parametrize("kind", ["bwrap", "landlock"])
def test_the_interpreter_in_the_sandbox_reaches_nothing_else(
    kind: Kind, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """The test does what a picture could do that has taken the program over."""
    source, other = tmp_path / "source", tmp_path / "other"
    source.write_text("mine")
    other.write_text("another user's")
    packages = Path(pytest.__file__).parent.parent
    project = Path(running.__file__).parent.parent
    refused = {
        "read": [
            str(other), "/etc/passwd", f"/proc/{os.getpid()}/environ",
            str(packages / "pytest" / "__init__.py"),
            str(project / "app.py"), str(project.parent / "pyproject.toml"),
            *(str(path) for path in Path.home().iterdir() if path.is_file()),
        ],
        "write": [str(running.__file__), str(needs().modules["pyvips"]), str(tmp_path / "new"),
                  "/tmp/new"],
    }  # fmt: skip
    box = replace(box_of(kind, source, folders[0]), readable=needs().readable)
    argv = [
        needs().python,
        "-I",
        "-S",
        "-c",
        REACHES,
        box.source_seen,
        box.output_seen("x"),
        json.dumps(refused),
    ]
    ended = run(box.wrap(argv), clock=SystemClock(), stopped=lambda: False, wall_seconds=60)
    assert (ended.stdout, ended.stderr) == ("tried\n", "")


def test_a_picture_of_144_megapixels_takes_little_memory(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    source, (output, target), settings = tmp_path / "source", folders, ImageSettings()
    Image.new("L", (12_000, 12_000), 120).save(source, format="PNG", compress_level=1)
    box = box_of("landlock", source, output, memory=160 * MIB)
    facts = look(PROGRAM, replace(box, output=None), "png", settings)
    wanted = plan_renditions(facts, "png", source.stat().st_size, settings)
    made = render(PROGRAM, box, "png", wanted, settings, target=target)
    assert [(one.wanted.name, one.facts.width) for one in made] == [
        ("thumbnail", 512),
        ("preview", 2048),
    ]


def test_a_bomb_is_refused_with_the_memory_of_a_small_picture(tmp_path: Path) -> None:
    box = box_of("landlock", huge_png(tmp_path / "bomb", 50_000, 50_000), memory=160 * MIB)
    with pytest.raises(ToolFailed, match="too_large"):
        look(PROGRAM, box, "png", ImageSettings())


def test_a_picture_that_needs_too_much_memory_is_no_picture_of_the_programs(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    source, (output, target), settings = tmp_path / "source", folders, ImageSettings()
    # An interlaced picture is decoded as a whole.
    pyvips.Image.black(8000, 8000, bands=3).pngsave(str(source), interlace=True, compression=1)
    facts = look(PROGRAM, box_of("landlock", source), "png", settings)
    wanted = plan_renditions(facts, "png", 1, settings)
    box = box_of("landlock", source, output, memory=128 * MIB)
    with pytest.raises(ToolFailed) as raised:
        render(PROGRAM, box, "png", wanted, settings, target=target)
    assert raised.value.cause in (Cause.MEMORY_LIMIT, Cause.OUT_OF_MEMORY, Cause.CRASHED)
    assert not any(target.iterdir())


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        ("kill -9 $$", Cause.KILLED),
        ("exit 1", Cause.CRASHED),
        ("echo '{'", Cause.CRASHED),
        ("echo '[]'", Cause.CRASHED),
        ("echo '{}'", Cause.DAMAGED),
        ("""echo '{"error": "/etc/passwd"}'""", Cause.DAMAGED),
        ("""echo '{"width": 1e300, "height": 1, "frames": 1}'""", Cause.DAMAGED),
        ("""echo '{"width": -1, "height": 1, "frames": 1}'""", Cause.DAMAGED),
        ("""echo '{"width": true, "height": 1, "frames": 1}'""", Cause.DAMAGED),
    ],
)
def test_a_program_that_was_taken_over_or_ended_is_not_believed(
    script: str, cause: Cause, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o700)
    hostile = replace(needs(), python=str(python))
    monkeypatch.setattr(running, "needs", lambda: hostile)
    with pytest.raises(ToolFailed) as raised:
        look(PROGRAM, box_of("off", tmp_path), "png", ImageSettings())
    assert raised.value.cause is cause


@pytest.mark.parametrize("left", ["nothing", "another name", "one more", "a link", "no picture"])
def test_outputs_that_are_not_what_was_wanted_are_not_taken(
    left: str, folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output, target = folders
    secret = tmp_path / "secret"
    secret.write_text("another user's")
    settings = ImageSettings(thumbnail_size=16, preview_size=0)
    source = tmp_path / "source.png"
    corners().save(source)
    made = {
        "nothing": "true",
        "another name": f"cp {source} {output}/other",
        "one more": f"cp {source} {output}/thumbnail; cp {source} {output}/other; mkdir {output}/x",
        "a link": f"ln -s {secret} {output}/thumbnail",
        "no picture": f"cp {secret} {output}/thumbnail",
    }
    python = tmp_path / "python"
    real = needs()
    python.write_text(
        f"""#!/bin/sh
case "$*" in
*'"command": "make"'*) {made[left]}; echo '{{}}';;
*) exec {real.python} "$@";;
esac
"""
    )
    python.chmod(0o700)
    monkeypatch.setattr(running, "needs", lambda: replace(real, python=str(python)))
    box = box_of("off", source, output)
    wanted = plan_renditions(look(PROGRAM, box, "png", settings), "png", 1, settings)
    with pytest.raises(ToolFailed):
        render(PROGRAM, box, "png", wanted, settings, target=target)
    assert secret.read_text() == "another user's"
    assert not (target / "thumbnail").is_symlink()


@pytest.mark.parametrize("colours", ["srgb", "p3", "grey"])
def test_jpeg_xl_is_read_in_srgb(colours: str, folders: tuple[Path, Path], tmp_path: Path) -> None:
    corners().save(tmp_path / "source.bmp")
    options = {"srgb": [], "grey": ["-pix_fmt", "gray"], "p3": [
        "-vf", "setparams=color_primaries=smpte432:color_trc=iec61966-2-1",
        "-color_primaries", "smpte432", "-color_trc", "iec61966-2-1",
    ]}[colours]  # fmt: skip
    source, made = tmp_path / "source.jxl", tmp_path / "made.png"
    subprocess.run(
        [
            "ffmpeg",
            "-v",
            "error",
            "-i",
            tmp_path / "source.bmp",
            *options,
            "-c:v",
            "libjxl",
            "-distance",
            "0",
            source,
        ],
        check=True,
    )
    box = box_of("bwrap", source, folders[0])
    decode_jxl("ffmpeg", PROGRAM, box, 1 << 28, target=made)
    expected = in_srgb(corners(), profile("p3")) if colours == "p3" else CORNERS
    if colours == "grey":
        expected = tuple((y, y, y) for y in (83, 107, 53, 240))
    assert alike(seen(made), expected)


def test_jpeg_xl_with_too_many_pixels_is_refused(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    corners().save(tmp_path / "source.bmp")
    source = tmp_path / "source.jxl"
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", tmp_path / "source.bmp", "-c:v", "libjxl", source],
        check=True,
    )
    with pytest.raises(ToolFailed):
        decode_jxl(
            "ffmpeg", PROGRAM, box_of("landlock", source, folders[0]), 100,
            target=tmp_path / "made.png"
        )  # fmt: skip


FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


@pytest.mark.parametrize("kind", ["bwrap", "landlock"])
def test_a_watermark_for_films_is_a_picture_with_its_place(
    kind: Kind, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    stamp = tmp_path / "stamp.png"
    Image.new("RGB", (20, 10), (255, 0, 0)).save(stamp)
    settings = WatermarkSettings(picture=stamp, place="top-right", opacity=0.5, size=0.1, margin=0)
    drawn = draw_watermark(
        PROGRAM, settings, sandbox=kind, memory=512 * MIB, width=640, height=360, folder=folders[0],
        target=tmp_path / "mark.png",
    )  # fmt: skip
    assert (drawn.x, drawn.y) == (640 - 64, 0)
    with Image.open(drawn.path) as opened:
        assert (opened.size, opened.mode) == ((64, 32), "RGBA")
        assert opened.getpixel((32, 16)) in ((255, 0, 0, 127), (255, 0, 0, 128))


def test_a_watermark_without_its_file_is_refused(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    nothing = tmp_path / "nothing.ttf"
    nothing.write_text("no font")
    with pytest.raises(ToolFailed):
        draw_watermark(
            PROGRAM, WatermarkSettings(text="x", font=nothing), sandbox="landlock",
            memory=512 * MIB,
            width=64, height=64, folder=folders[0], target=tmp_path / "mark.png",
        )  # fmt: skip


XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
    b'exif:GPSLatitude="47,22.5N" exif:GPSLongitude="8,32.5E"/></rdf:RDF></x:xmpmeta>'
)
STRIPPED: tuple[tuple[str, Kind], ...] = (
    ("JPEG", "bwrap"), ("PNG", "landlock"), ("WEBP", "landlock"), ("TIFF", "landlock"),
    ("HEIF", "landlock"), ("AVIF", "rlimit"),
)  # fmt: skip


@pytest.mark.parametrize("policy", ["strip_location", "strip_all"])
@pytest.mark.parametrize(("form", "kind"), STRIPPED)
def test_tags_are_taken_out_and_pixels_stay(
    form: str, kind: Kind, policy: Policy, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    source, made = tmp_path / "source", tmp_path / "stripped"
    located = {"xmp": XMP} if form in ("JPEG", "WEBP", "HEIF", "AVIF") else {}
    orientation = 1 if form in ("HEIF", "AVIF") else 6
    tags, icc = exif(orientation, located=True), profile("p3")
    TURNED[orientation](corners()).save(source, format=form, exif=tags, icc_profile=icc, **located)
    assert b"Camera" in source.read_bytes()
    strip_tags(
        "exiftool", PROGRAM, box_of(kind, source, folders[0]),
        "heic" if form == "HEIF" else form.lower(), policy, target=made,
    )  # fmt: skip
    content = made.read_bytes()
    with Image.open(made) as opened:
        left = opened.getexif()
        place, details = left.get_ifd(0x8825), left.get_ifd(0x8769)
        assert (opened.format, opened.info["icc_profile"]) == (form, icc)
    assert (left.get(0x0112, 1), place) == (orientation, {})
    assert details[0x9003] == "2024:05:06 07:08:09"
    assert b"GPSLatitude" not in content
    assert (left.get(0x010F) == "Camera") == (policy == "strip_location")
    assert (b"Camera" in content) == (policy == "strip_location")
    assert seen(made) == seen(source)


def test_what_is_no_picture_of_its_kind_stands_for_none(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    """A file that has taken the program over may write its copy."""
    source, taken_over = tmp_path / "source", tmp_path / "exiftool"
    corners().save(source, format="JPEG")
    page = "<html>" + "x" * 1000
    taken_over.write_text(f"#!/bin/sh\nprintf '%s' '{page}' > {folders[0]}/picture.part\n")
    taken_over.chmod(0o755)
    with pytest.raises(ToolFailed):
        strip_tags(
            str(taken_over), PROGRAM, box_of("off", source, folders[0]), "jpeg", "strip_all",
            target=tmp_path / "stripped",
        )  # fmt: skip


@pytest.mark.parametrize("kind", ["bwrap", "landlock"])
def test_exiftool_reaches_nothing_else(
    kind: Kind, folders: tuple[Path, Path], tmp_path: Path
) -> None:
    source, other, output = tmp_path / "source.jpg", tmp_path / "other.jpg", folders[0]
    for path, author in ((source, "mine"), (other, "another user")):
        corners().save(path, exif=exif(), comment=author)
    box = box_of(kind, source, output)
    made = box.output_seen("made")
    for arguments in (
        [str(other)],
        ["-o", made, "-tagsFromFile", str(other), "-Comment", box.source_seen],
        [f"-Comment<={other}", "-o", made, box.source_seen],
        ["-o", str(tmp_path / "elsewhere"), "-Comment=x", box.source_seen],
    ):
        ended = run(
            box.wrap(["exiftool", *arguments]),
            clock=SystemClock(),
            stopped=lambda: False,
            wall_seconds=60,
        )
        assert "another user" not in ended.stdout
    assert all(b"another user" not in path.read_bytes() for path in output.iterdir())
    assert not (tmp_path / "elsewhere").exists()
    found = run(
        box.wrap(["exiftool", "-Comment", box.source_seen]), clock=SystemClock(),
        stopped=lambda: False, wall_seconds=60,
    )  # fmt: skip
    assert "mine" in found.stdout
