"""Tests by which bytes a kind of file is recognised."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import filetype
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import kinds

from tusd_py.domain import filetypes as types
from tusd_py.domain.signatures.head_reader import HeadReader
from tusd_py.domain.signatures.identify import identify
from tusd_py.file_pieces import look_into


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return kinds.made(tmp_path_factory.mktemp("kinds"))


def name_of(look: HeadReader | bytes) -> str:
    found = identify(look if isinstance(look, HeadReader) else HeadReader(look, len(look)))
    return "" if found is None else found.name


@pytest.mark.slow
@pytest.mark.parametrize("name", kinds.MADE)
def test_a_file_that_ffmpeg_wrote_is_recognised_and_read_by_the_demuxer_of_its_type(
    samples: dict[str, Path], name: str
) -> None:
    found = identify(look_into(samples[name]))
    assert found is not None
    assert found.name == kinds.MADE[name][0]
    assert types.by_extension(name.rpartition(".")[2]) in types.TYPES
    if found.demuxer:
        assert kinds.demuxed(samples[name], found.demuxer)


@pytest.mark.slow
def test_an_independent_library_finds_the_same_family(samples: dict[str, Path]) -> None:
    guesses = {name: filetype.guess(str(path)) for name, path in samples.items()}
    known = {name: other for name, other in guesses.items() if other is not None}
    assert len(known) > 35
    for name, other in known.items():
        found = identify(look_into(samples[name]))
        assert found is not None
        family = other.mime.partition("/")[0]
        # The library does not read the streams of these containers.
        either = name in ("sound.mka", "sound.wma", "film.ogv") and family in ("video", "audio")
        assert family == found.family or either, name


@pytest.mark.slow
def test_the_program_file_finds_the_same_family(samples: dict[str, Path]) -> None:
    ran = subprocess.run(
        ["file", "--brief", "--mime-type", *map(str, samples.values())],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    known = 0
    for name, mime in zip(samples, ran.stdout.split(), strict=True):
        family = mime.partition("/")[0]
        if family not in ("video", "audio", "image"):
            continue
        known += 1
        found = identify(look_into(samples[name]))
        assert found is not None
        of_sound = found.family in ("video", "audio") and family in ("video", "audio")
        assert family == found.family or of_sound, (name, mime)
    assert known > 40


FILM = (b"isom", b"iso2", b"avc1", b"mp41")
BRANDS = {
    (b"crx ", *FILM): "cr3",
    (b"isom", b"crx ", b"isom"): "cr3",
    (b"heic", b"mif1", b"heic"): "heic",
    (b"mif1", b"mif1", b"heic"): "heic",
    (b"msf1", b"hevc"): "heic",
    (b"mif1", b"jpeg"): "heic",
    (b"MiHE", b"mif1"): "heic",
    (b"avif", b"mif1", b"miaf"): "avif",
    (b"avis", b"msf1", b"iso8"): "avif",
    (b"mif1", b"avif", b"miaf"): "avif",
    (b"msf1", b"iso8", b"avis"): "avif",
    (b"MA1A", b"mif1"): "avif",
    (b"MA1B",): "avif",
    (b"avio", b"avif"): "avif",
    (b"isom", b"iso2", b"avc1"): "mp4",
    (b"mp42", b"isom"): "mp4",
    (b"M4V ", b"mp42"): "mp4",
    (b"M4VH",): "mp4",
    (b"F4V ", b"isom"): "mp4",
    (b"dash",): "mp4",
    (b"XAVC", b"mp42"): "mp4",
    (b"MSNV", b"isom"): "mp4",
    (b"\0\0\0\0", b"isom"): "mp4",
    (b"zzzz", b"isom"): "mp4",
    (b"zzzz",): "",
    (b"zzzz", b"yyyy"): "",
    (b"odcf",): "",
    (b"qt  ",): "mov",
    (b"zzzz", b"qt  "): "mov",
    (b"M4A ", b"isom"): "m4a",
    (b"F4A ",): "m4a",
    (b"3gp4", b"isom"): "3gp",
    (b"3g2a",): "3gp",
    **{(brand, *FILM): "heic" for brand in (
        b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"avci", b"avcs")},
}  # fmt: skip


@pytest.mark.parametrize(("brands", "name"), BRANDS.items())
def test_only_listed_brands_are_accepted_and_a_picture_is_no_film(
    brands: tuple[bytes, ...], name: str
) -> None:
    content = kinds.box_file(*brands)
    assert name_of(content) == name


MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
AAC_FRAME = b"\xff\xf1\x50\x80\x04\x1f\xfc" + bytes(25)
JPEG_2000 = b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x14ftyp"
WEBM_NAME = b"\x42\x82\x84webm"
MAKE = b"NIKON CORPORATION\0"
BYTES: dict[str, tuple[str, bytes]] = {
    "a film cut within a packet": ("ts", kinds.packets(188, cut=101)),
    "packets of 204 bytes": ("ts", kinds.packets(204)),
    "packets of 204 bytes, cut": ("ts", kinds.packets(204, cut=150)),
    "packets of 192 bytes": ("ts", kinds.packets(192)),
    "packets of 192 bytes, cut": ("ts", kinds.packets(192, cut=77)),
    "Matroska with a gap in its header": (
        "webm", b"\x1a\x45\xdf\xa3\x01\0\0\0\0\0\0\xd2" + b"\xec\x40\xc8" + bytes(200) + WEBM_NAME),
    "Matroska behind a gap": ("webm", b"\xec\x83\0\0\0\x1a\x45\xdf\xa3\x87" + WEBM_NAME),
    "EBML of another kind": ("", b"\x1a\x45\xdf\xa3\x87\x42\x82\x84abcd"),
    "RF64": ("wav", b"RF64\xff\xff\xff\xffWAVEds64" + bytes(40)),
    "BW64": ("wav", b"BW64\xff\xff\xff\xffWAVEds64" + bytes(40)),
    "RF64 without WAVE": ("", b"RF64\xff\xff\xff\xffnone" + bytes(40)),
    "MIDI": ("midi", b"MThd\0\0\0\x06\0\x01\0\x02"),
    "MIDI in RIFF": ("midi", b"RIFF\x20\0\0\0RMIDdata"),
    "AIFF-C": ("aiff", b"FORM\0\0\0\x20AIFCFVER"),
    "IFF of another kind": ("", b"FORM\0\0\0\x20ILBMBMHD"),
    "Monkey's Audio": ("ape", b"MAC \x96\x0f\0\0" + bytes(70)),
    "a long tag, then MP3": ("mp3", kinds.tag(300_000) + MP3_FRAME * 4),
    "a long tag, then FLAC": ("flac", kinds.tag(300_000) + b"fLaC\0\0\0\x22" + bytes(34)),
    "a short tag, then FLAC": ("flac", kinds.tag(30) + b"fLaC\0\0\0\x22" + bytes(34)),
    "a tag, then AAC": ("aac", kinds.tag(1000) + AAC_FRAME * 4),
    "two tags, then AAC": ("aac", kinds.tag(1000) + kinds.tag(50, version=4) + AAC_FRAME * 4),
    "a tag, room, then MP3": ("mp3", kinds.tag(100) + bytes(2000) + MP3_FRAME * 4),
    "a tag, then nothing": ("", kinds.tag(100)),
    "a tag, then a text": ("", kinds.tag(100) + b"this is no sound at all\n" * 30),
    "MP3 without a tag": ("mp3", MP3_FRAME * 3),
    "one frame of MP3 only": ("", MP3_FRAME),
    "one header of AAC only": ("", AAC_FRAME[:7] + b"\x55" * 5000),
    "QuickTime with its index first": ("mov", b"\0\0\x10\0moov\0\0\0\x6cmvhd" + bytes(100)),
    "QuickTime of an old camera": (
        "mov", b"\0\0\0\x08wide\0\0\x01\0mdat" + b"\x77" * 248 + b"\0\0\0\x20moov"),
    "QuickTime with its media first": (
        "mov", b"\0\x02\0\0mdat" + b"\x77" * 0x1FFF8 + b"\0\0\0\x20moov\0\0\0\x6cmvhd"),
    "media without what follows": ("", b"\0\x02\0\0mdat" + b"\x77" * 0x1FFF8 + b"nonsense"),
    "a DASH segment": ("m4s", b"\0\0\0\x18stypmsdh\0\0\0\0msdhmsix\0\0\0\x2csidx"),
    "JPEG 2000": ("jp2", JPEG_2000 + b"jp2 \0\0\0\0jp2 "),
    "JPEG 2000, extended": ("jp2", JPEG_2000 + b"jpx \0\0\0\0jp2 "),
    "Motion JPEG 2000": ("mj2", JPEG_2000 + b"mjp2\0\0\0\0mjp2"),
    "JPEG XL in boxes": ("jxl", b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl "),
    "Photoshop": ("psd", b"8BPS\0\x01" + bytes(6) + b"\0\x03" + bytes(20)),
    "an icon": ("ico", b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x68\x04\0\0\x16\0\0\0" + bytes(64)),
    "TIFF": ("tiff", kinds.tiff((254, 4, 1, 0))),
    "TIFF, other order": ("tiff", kinds.tiff((254, 4, 1, 0), little=False)),
    "BigTIFF": ("tiff", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0"),
    "BigTIFF, other order": ("tiff", b"MM\0+\0\x08\0\0\0\0\0\0\0\0\0\x10"),
    "TIFF of a camera that shows no raw data": ("tiff", kinds.tiff((254, 4, 1, 0), (271, 2, 18, MAKE))),
    "DNG": ("dng", kinds.tiff((254, 4, 1, 1), (50706, 1, 4, 0x01040000))),
    "DNG with its directory far behind": ("dng", kinds.tiff((50706, 1, 4, 1), at=200_000)),
    "CR2": ("cr2", b"II*\0\x10\0\0\0CR\x02\0" + bytes(50)),
    "NEF": ("nef", kinds.tiff((254, 4, 1, 1), (271, 2, 18, MAKE), (330, 4, 2, 0), little=False)),
    "ARW": ("arw", kinds.tiff((254, 4, 1, 1), (271, 2, 5, b"SONY\0"), (330, 4, 1, 0))),
    "PEF": ("pef", kinds.tiff((259, 3, 1, 65535), (271, 2, 7, b"PENTAX\0"))),
    "SRW": ("srw", kinds.tiff((259, 3, 1, 32770), (271, 2, 8, b"SAMSUNG\0"))),
    "raw of another maker": ("raw", kinds.tiff((262, 3, 1, 32803), (271, 2, 11, b"Hasselblad\0"))),
    "RAF": ("raf", b"FUJIFILMCCD-RAW 0201FF389501"),
    "ORF": ("orf", b"IIRO\x08\0\0\0"),
    "RW2": ("rw2", b"IIU\0\x18\0\0\0"),
    "X3F": ("x3f", b"FOVb\x03\0\x02\0"),
    "DOCX behind a picture": ("docx", kinds.archive_of({
        "word/media/image1.jpeg": b"\xff" * 90_000, "[Content_Types].xml": b"", "word/document.xml": b""})),
    "DOCX": ("docx", kinds.archive_of({"[Content_Types].xml": b"<Types/>", "word/document.xml": b""})),
    "XLSX": ("xlsx", kinds.archive_of({"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b""})),
    "PPTX": ("pptx", kinds.archive_of({"ppt/media/a.png": bytes(99_000), "_rels/.rels": b"", "ppt/presentation.xml": b""})),
    "ODT": ("odt", kinds.archive_of({"mimetype": b"application/vnd.oasis.opendocument.text", "content.xml": b""})),
    "ODS": ("ods", kinds.archive_of({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"})),
    "EPUB": ("epub", kinds.archive_of({"mimetype": b"application/epub+zip", "META-INF/container.xml": b""})),
    "an archive": ("zip", kinds.archive_of({"word.txt": b"xl/ word/ [Content_Types].xml"})),
    "an archive of a document": ("zip", kinds.archive_of({"a/word/document.xml": b"", "b": b""})),
    "an empty archive": ("zip", b"PK\x05\x06" + bytes(18)),
    "a program stream that is none": ("", b"\0\0\x01\xba" + b"\xff" * 60),
    "a sequence header that is none": ("", b"\0\0\x01\xb3" + b"\0" * 60),
    "units without parameter sets": ("", b"\0\0\0\x01\x65" + b"\x55" * 90 + b"\0\0\0\x01\x41" + b"\x55" * 90),
}  # fmt: skip


@pytest.mark.parametrize("what", BYTES)
def test_bytes_of_a_kind_are_recognised(what: str, tmp_path: Path) -> None:
    name, content = BYTES[what]
    path = tmp_path / "unnamed"
    path.write_bytes(content)
    assert name_of(look_into(path)) == name


@pytest.mark.slow
@pytest.mark.parametrize("cut", range(0, 400, 37))
@pytest.mark.parametrize("name", ["film.ts", "film.m2ts"])
def test_a_real_recording_is_recognised_and_read_wherever_it_was_cut(
    samples: dict[str, Path], tmp_path: Path, name: str, cut: int
) -> None:
    path = tmp_path / "cut"
    path.write_bytes(samples[name].read_bytes()[cut:])
    assert name_of(look_into(path)) == "ts"
    assert kinds.demuxed(path, "mpegts")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sound.flac", "sound.aac", "sound.mp3", "sound.wv", "sound.tta"])
def test_real_sound_is_recognised_and_read_behind_a_tag_with_a_picture(
    samples: dict[str, Path], tmp_path: Path, name: str
) -> None:
    path = tmp_path / "tagged"
    path.write_bytes(kinds.tag(150_000) + samples[name].read_bytes())
    found = identify(look_into(path))
    assert found is not None
    assert found.name == kinds.MADE[name][0]
    assert kinds.demuxed(path, found.demuxer)


TEXTS = [
    b"", b"plain text", b"#EXTM3U\n#EXTINF:1,\nvictim.ts\n", b"ffconcat version 1.0\nfile a.mp4\n", b"<html>", b"<svg/>",
    b"<?xml version='1.0'?><svg/>", b"BM not a picture", b"RIFF", b"ID3 tags are described here\n" * 20, b"FLV is a format",
    b"\xff\xff\xff\xff", b"G" * 70_000, (b"G" + b"a" * 186 + b"\n") * 90, (b"G" + b"a" * 190 + b"\n") * 90,
    b"abcdmdat is a box\n" * 9, b"abcdmoov is a box\n" * 9, b"wide", b"    free software\n" * 9, b"    skip this\n" * 30,
    b"FORM 27 AIFF", b"YUV4MPEG2 is a format\n", b"MAC address", b"II* notes", b"MM notes", b"PKware", b"nut/cracker",
    b"\xfe\xff" + "text".encode("utf-16-be") * 50, b"import x from 'y'\n" * 300,
]  # fmt: skip


@pytest.mark.parametrize("content", TEXTS, ids=range(len(TEXTS)))
def test_texts_are_no_media(content: bytes) -> None:
    assert name_of(content) == ""
    assert name_of(HeadReader(content)) == ""


def _noise() -> Iterator[bytes]:
    noise = random.Random(17)
    for number in range(400):
        yield noise.randbytes(1 << (number % 17))
    starts = [
        b"\xff",
        b"\0\0\x01",
        b"\0\0\0\x01",
        b"\x0b\x77",
        b"\x47",
        b"ID3\x03\0",
        b"RIFF",
        b"OggT",
        b"ftyp",
    ]
    for start in starts * 40:
        yield start + noise.randbytes(5000)
    for fill in range(256):
        yield bytes((fill,)) * 70_000


def test_noise_is_no_media() -> None:
    found = {name_of(content) for content in _noise()}
    assert found == {""}


@given(st.text(max_size=3000))
def test_no_text_is_media(text: str) -> None:
    kind = identify(HeadReader(text.encode("utf-8", "replace")))
    assert kind is None or kind.family not in ("video", "audio", "image")


@given(
    st.binary(max_size=600), st.sampled_from(["", *(sample[:40] for _, sample in BYTES.values())])
)
def test_any_bytes_are_looked_at_without_an_error(content: bytes, start: bytes | str) -> None:
    whole = (start if isinstance(start, bytes) else b"") + content
    identify(HeadReader(whole))
    identify(HeadReader(whole, len(whole)))
    identify(HeadReader(whole[:50], len(whole), lambda at, length: whole[at : at + length]))


@pytest.mark.parametrize("size", [200_000, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_box_may_claim_to_end_beyond_its_file(size: int, tmp_path: Path) -> None:
    path = tmp_path / "beyond"
    path.write_bytes(b"\0\0\0\x01mdat" + size.to_bytes(8, "big") + bytes(100_000))
    assert identify(look_into(path)) is types.MOV
