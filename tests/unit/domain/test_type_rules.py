import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import kinds

from tusd_py.domain.errors import TypeMismatch, TypeNotAllowed
from tusd_py.domain.file import File
from tusd_py.domain.filetypes import TYPES, FileType, by_extension, by_name
from tusd_py.domain.ids import UserId, owner_scope
from tusd_py.domain.signatures.head_reader import HeadReader
from tusd_py.domain.signatures.identify import identify
from tusd_py.domain.type_rules import check_content, check_name, fits_name, is_consistent

MP4 = kinds.box_file(b"isom", b"avc1")
MOV = kinds.box_file(b"qt  ")
WEBM = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)
TIFF = kinds.tiff((254, 4, 1, 0))
DNG = kinds.tiff((50706, 1, 4, 1))
DOCX = kinds.archive_of({"[Content_Types].xml": b"", "word/document.xml": b""})
ZIP = kinds.archive_of({"a.bin": bytes(50)})
COMPOUND = (
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + b"\x3e\0\x03\0\xfe\xff\x09\0" + bytes(500)
)
PROGRAM = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0\x01\0\0\0" + bytes(100)
NOISE = random.Random(17).randbytes(5000)
SOURCE = b"export const answer: number = 42;\n" * 20


def whole(content: bytes) -> HeadReader:
    return HeadReader(content, len(content))


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.mp4", MP4, True), ("a.mov", MP4, True), ("a.m4a", MP4, True), ("a.insv", MP4, True),
        ("a.avi", MP4, False), ("a.jpg", MP4, False), ("a", MP4, True), ("a.unknown", MP4, True),
        ("a.mp4", WEBM, False), ("a.mkv", WEBM, True), ("a.mp4", b"text", False),
        ("a.ts", SOURCE, True), ("a.mts", SOURCE, True), ("a.ts", "﻿// BOM\n".encode(), True),
        ("a.ts", b"\0\1\2\3" * 50, False), ("a.m2ts", SOURCE, False), ("a.mp4", SOURCE, False),
        ("a.ts", kinds.packets(188), True), ("a.mpg", kinds.packets(188), True),
        ("a.nef", TIFF, True), ("a.tif", DNG, True), ("a.dng", DNG, True), ("a.jpg", DNG, False),
        ("a.zip", DOCX, True), ("a.docx", DOCX, True), ("a.xlsx", DOCX, False), ("a.jar", DOCX, True),
        ("a.heic", kinds.box_file(b"mif1", b"avif"), True), ("a.mp4", kinds.box_file(b"crx ", b"isom"), False),
        ("a.cr3", kinds.box_file(b"crx ", b"isom"), True), ("a.svg", b"<svg/>", True), ("a.pdf", PNG, False),
    ],
)  # fmt: skip
def test_a_name_agrees_with_its_content(name: str, content: bytes, expected: bool) -> None:
    assert is_consistent(name, identify(whole(content)), content) is expected


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_every_extension_of_a_type_agrees_with_it(kind: FileType) -> None:
    for ext in kind.extensions:
        assert is_consistent(f"a.{ext}", kind, b"")


@given(st.binary(max_size=600))
def test_any_bytes_are_compared_without_an_error(content: bytes) -> None:
    is_consistent("x.mp4", identify(HeadReader(content)), content)


def test_an_empty_white_list_takes_anything() -> None:
    check_name("", ())
    check_content("a.mp4", whole(b"text"), ())


@pytest.mark.parametrize("name", ["a.exe", "", "a\0.mp4", "mp4"])
def test_what_is_not_on_the_white_list_is_refused(name: str) -> None:
    with pytest.raises(TypeNotAllowed):
        check_name(name, ("mp4", ".PNG"))


@pytest.mark.parametrize("name", ["a.mp4", "a.png", "A.PNG", "a.rm", "a.ts"])
def test_what_is_on_the_white_list_is_taken(name: str) -> None:
    check_name(name, ("mp4", ".PNG", "rm", "mxf", "ts"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.mp4", MOV), ("a.txt", b"text"), ("a.ts", SOURCE), ("a.nef", TIFF), ("a.docx", DOCX), ("a.doc", COMPOUND),
        ("a.docx", COMPOUND), ("a.xlsx", ZIP), ("a.jar", DOCX), ("a.mod", SOURCE),
    ],
)  # fmt: skip
def test_content_of_the_type_of_its_name_is_accepted(name: str, content: bytes) -> None:
    check_content(name, whole(content), ("x",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.mp4", b"text"), ("a.mp4", WEBM), ("a.txt", PNG), ("a.avi", MP4), ("a.heic", MP4), ("a.mp4", SOURCE),
        ("a.xlsx", DOCX), ("a.pdf", ZIP), ("a.jpg", PROGRAM), ("a.txt", PROGRAM), ("a.csv", COMPOUND), ("a.exe", PNG),
    ],
)  # fmt: skip
def test_other_content_is_refused_under_a_white_list(name: str, content: bytes) -> None:
    with pytest.raises(TypeMismatch):
        check_content(name, whole(content), ("x",))
    with pytest.raises(TypeMismatch):
        check_content(name, HeadReader(content), ("x",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.flac", kinds.tag(100_000) + b"fLaC\0\0\0\x22" + bytes(34)),
        ("a.docx", kinds.archive_of(
            {"word/a.jpg": bytes(90_000), "[Content_Types].xml": b"", "word/document.xml": b""})),
    ],
)  # fmt: skip
def test_the_beginning_of_a_file_is_not_refused_for_missing_bytes(
    name: str, content: bytes
) -> None:
    check_content(name, HeadReader(content[:65536]), ("x",))
    check_content(name, HeadReader(content[:4096]), ("x",))
    check_content(name, whole(content), ("x",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.mp4", NOISE), ("a.txt", NOISE), ("a.pdf", bytes(5000)), ("a.mp4", b""), ("a.mp4", kinds.box_file(b"zzzz")),
        ("a.flac", kinds.tag(100) + bytes(900)), ("a.csv", "再開".encode("shift-jis") * 90),
        # Of these names nothing is known, so nothing contradicts them.
        ("a.foo", PNG), ("a.foo", PROGRAM), ("a.bin", PROGRAM), ("a.bin", PNG), ("a.vsdx", ZIP), ("a", PNG),
    ],
)  # fmt: skip
def test_what_is_not_known_is_taken(name: str, content: bytes) -> None:
    check_content(name, whole(content), ("x",))
    check_content(name, HeadReader(content), ("x",))


def test_frames_that_are_longer_than_the_beginning_are_accepted_for_now() -> None:
    content = (b"\x0b\x77\0\0\x24\x40" + bytes(2554)) * 4
    check_content("a.ac3", HeadReader(content[:4096]), ("x",))
    check_content("a.ac3", whole(content), ("x",))
    with pytest.raises(TypeMismatch):
        check_content("a.ac3", HeadReader(b"text" * 1024), ("x",))


def held(name: str, ext: str, *, converted: bool, **facts: str) -> File:
    return File(
        identity="i", scope=owner_scope(UserId(1)), hash="a", name=name, ext=ext, size=1, path="", object_key="",
        stored_hash="b" if converted else "a", stored_size=1, content_type="", created_at=0.0, facts=facts,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("file", "right", "wrong"),
    [
        (held("a.mp4", ".mp4", converted=False), ("b.mov", "b.m4a"), ("b.avi", "b.txt", "b")),
        (held("a.avi", ".mp4", converted=False), ("b.mp4",), ("b.avi",)),
        (held("a.avi", ".mp4", converted=True, type="mp4"), ("b.mp4", "b.mov"), ("b.avi", "b.txt")),
        (held("a.mkv", ".mp4", converted=True, type="mkv"), ("b.webm", "b.mka"), ("b.mp4", "b.avi")),
        (held("a.nef", ".jpg", converted=True, type="nef"), ("b.nef", "b.tif"), ("b.jpg",)),
        (held("a.mkv", ".mp4", converted=True), ("b.mkv", "B.MKV"), ("b.mp4", "b.webm")),
        (held("a.txt", "", converted=False), ("b.txt", "b.csv"), ("b.mp4", "b.pdf", "b.ts", "b.exe", "b.foo")),
        (held("a.foo", "", converted=False), ("b.foo", "b.bar"), ("b.txt", "b.exe", "b.pdf")),
        (held("a.mp4", ".mp4", converted=True, type="nonsense"), (), ("b.mp4", "b.ts")),
    ],
)  # fmt: skip
def test_a_stored_file_may_have_the_names_that_fit_its_content(
    file: File, right: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    assert [name for name in right if not fits_name(name, file)] == []
    assert [name for name in wrong if fits_name(name, file)] == []


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_a_type_is_found_again_by_its_name_and_by_the_extension_of_its_objects(
    kind: FileType,
) -> None:
    assert by_name(kind.name) is kind
    assert by_extension(kind.extensions[0]) is kind
