import subprocess
from pathlib import Path

import filetype
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.media import make, video

from tusd_py.domain import filetypes as types
from tusd_py.domain.errors import TypeMismatch, TypeNotAllowed

SILENCE = ["-f", "lavfi", "-i", "sine=440:d=0.3"]
PICTURE = ["-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.1:r=10", "-frames:v", "1"]
MADE = {
    "mp4": None, "mov": None, "mkv": None, "webm": None, "avi": None, "ts": None,
    "flv": ["-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.3"], "wmv": ["-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.3"],
    "mpg": ["-f", "lavfi", "-i", "testsrc2=s=64x48:d=0.3:r=25"], "3gp": ["-f", "lavfi", "-i", "testsrc2=s=176x144:d=0.3"],
    "mp3": SILENCE, "aac": SILENCE, "flac": SILENCE, "wav": SILENCE, "ogg": SILENCE, "m4a": SILENCE,
    "jpg": PICTURE, "png": PICTURE, "gif": PICTURE, "bmp": PICTURE, "tiff": PICTURE, "webp": PICTURE,
}  # fmt: skip


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("samples")
    found = {}
    for ext, arguments in MADE.items():
        path = folder / f"sample.{ext}"
        if arguments is None:
            video(path, seconds=0.5, size="64x48")
        else:
            make([*arguments, str(path)])
        found[ext] = path.read_bytes()[: 1 << 16]
    return found


@pytest.mark.parametrize("ext", MADE)
def test_real_files_are_told_by_their_content(samples: dict[str, bytes], ext: str) -> None:
    kind = types.sniff(samples[ext])
    claimed = types.by_extension(ext)
    assert kind is not None
    assert claimed is not None
    assert kind.demuxer == claimed.demuxer
    assert types.agrees(f"x.{ext}", samples[ext])
    assert not types.agrees("x.pdf", samples[ext])


@pytest.mark.parametrize("ext", sorted(set(MADE) - {"ts", "aac"}))
def test_an_independent_table_tells_the_same_family(samples: dict[str, bytes], ext: str) -> None:
    other = filetype.guess(samples[ext])
    kind = types.sniff(samples[ext])
    assert other is not None
    assert kind is not None
    assert other.mime.partition("/")[0] == kind.family


@pytest.mark.parametrize("ext", ["mp4", "webm", "png", "jpg", "flac", "wav"])
def test_the_file_program_tells_the_same_family(
    samples: dict[str, bytes], tmp_path: Path, ext: str
) -> None:
    path = tmp_path / "unnamed"
    path.write_bytes(samples[ext])
    told = subprocess.run(
        ["file", "--brief", "--mime-type", str(path)], capture_output=True, text=True, check=True
    )
    kind = types.sniff(samples[ext])
    assert kind is not None
    assert told.stdout.partition("/")[0] == kind.family


@pytest.mark.parametrize(
    "head",
    [b"", b"plain text", b"#EXTM3U\n", b"ffconcat version 1.0", b"<html>", b"<svg", b"<?xml", b"BM not a picture", b"RIFF", b"\xff\xff\xff\xff", b"G" * 3],
)  # fmt: skip
def test_text_and_scraps_are_opaque(head: bytes) -> None:
    assert types.sniff(head) is None
    assert not types.is_video(head)


@given(st.binary(max_size=600))
def test_any_bytes_are_told_without_an_error(head: bytes) -> None:
    types.sniff(head)
    types.agrees("x.mp4", head)


@pytest.mark.parametrize(
    ("name", "ext"),
    [
        ("a.MP4", "mp4"),
        ("a.tar.gz", "gz"),
        ("a", ""),
        ("a.", ""),
        ("a.m p4", ""),
        ("a.ｍｐ4", "mp4"),
        (".mp4", "mp4"),
        ("a.mp4/..", ""),
    ],
)
def test_the_last_dot_decides_the_extension(name: str, ext: str) -> None:
    assert types.extension_of(name) == ext


def test_an_empty_whitelist_takes_anything() -> None:
    types.check_declared("", "nonsense", ())
    types.check_content("a.mp4", b"text", ())


@pytest.mark.parametrize(
    ("name", "declared"),
    [("a.exe", ""), ("", ""), ("a.mp4", "image/png"), ("a\0.mp4", ""), ("mp4", "video/mp4")],
)
def test_what_is_not_on_the_whitelist_is_refused(name: str, declared: str) -> None:
    with pytest.raises(TypeNotAllowed):
        types.check_declared(name, declared, ("mp4", ".PNG"))


@pytest.mark.parametrize(
    ("name", "declared"),
    [("a.mp4", "video/mp4"), ("a.png", "application/octet-stream"), ("A.PNG", "")],
)
def test_what_is_on_the_whitelist_is_taken(name: str, declared: str) -> None:
    types.check_declared(name, declared, ("mp4", ".PNG"))


def test_under_a_whitelist_content_must_be_what_the_name_says(samples: dict[str, bytes]) -> None:
    types.check_content("a.mp4", samples["mov"], ("mp4", "txt"))
    types.check_content("a.txt", b"text", ("mp4", "txt"))
    for name, head in (("a.mp4", b"text"), ("a.mp4", samples["webm"]), ("a.txt", samples["png"])):
        with pytest.raises(TypeMismatch):
            types.check_content(name, head, ("mp4", "txt"))


def test_office_documents_are_told_from_archives() -> None:
    head = b"PK\x03\x04" + bytes(26) + b"[Content_Types].xml" + bytes(40)
    assert types.sniff(head + b"word/document.xml") is types.DOCX
    assert types.sniff(head + b"xl/workbook.xml") is types.XLSX
    assert types.sniff(b"PK\x03\x04 anything") is types.ZIP
