"""Archives that are made while they are sent, read by other programs."""

import os
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from support.required import require_program

from tusd_py.zip_stream import (
    LARGE_BYTES,
    MANY_ENTRIES,
    EntryChanged,
    ZipEntry,
    zip_pieces,
    zip_size,
)

NOON = datetime(2026, 2, 3, 12, 30, 20, tzinfo=UTC).timestamp()
NAMES = ["photos/a.txt", "photos/2024/a.txt", "照片/日本.txt", "empty.txt", "a (1).bin"]


def entry(name: str, content: bytes, *, size: int | None = None, at: float = NOON) -> ZipEntry:
    size = len(content) if size is None else size
    pieces = [content[start : start + 100_000] for start in range(0, len(content), 100_000)]
    return ZipEntry(name=name, size=size, modified_at=at, read=lambda: iter(pieces))


@pytest.fixture
def contents() -> dict[str, bytes]:
    sizes = [5, 300_001, 70_000, 0, 1 << 20]
    return {name: os.urandom(size) for name, size in zip(NAMES, sizes, strict=True)}


def test_an_archive_has_the_size_that_was_said_and_the_same_bytes_each_time(
    contents: dict[str, bytes],
) -> None:
    entries = [entry(name, content) for name, content in contents.items()]
    made = b"".join(zip_pieces(entries))
    assert len(made) == zip_size(entries)
    assert b"".join(zip_pieces(entries)) == made
    with zipfile.ZipFile(BytesIO(made)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == contents
        (first, *_) = archive.infolist()
        assert first.date_time == (2026, 2, 3, 12, 30, 20)
        assert first.external_attr >> 16 == 0o100644
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [["unzip", "-q", "-d"], ["bsdtar", "-x", "-C"], ["7z", "x", "-bso0", "-o"]],
    ids=["unzip", "bsdtar", "7z"],
)
def test_other_programs_unpack_it(
    contents: dict[str, bytes], tmp_path: Path, command: Sequence[str]
) -> None:
    path = tmp_path / "archive.zip"
    path.write_bytes(b"".join(zip_pieces([entry(*one) for one in contents.items()])))
    out = tmp_path / "out"
    out.mkdir()
    name, *options, last = command
    require_program(name)
    into = [f"{last}{out}"] if name == "7z" else [last, str(out)]
    source = ["-f", str(path)] if name == "bsdtar" else [str(path)]
    line = [name, *options, *source, *into]
    subprocess.run(line, check=True, timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert {name: (out / name).read_bytes() for name in contents} == contents


@pytest.mark.parametrize("count", [0, 1, MANY_ENTRIES, MANY_ENTRIES + 1])
def test_the_number_of_entries_has_no_limit(count: int) -> None:
    entries = [entry(f"{number}.txt", b"x") for number in range(count)]
    made = b"".join(zip_pieces(entries))
    assert len(made) == zip_size(entries)
    with zipfile.ZipFile(BytesIO(made)) as archive:
        assert archive.namelist() == [each.name for each in entries]
        assert not entries or archive.read(entries[-1].name) == b"x"


def large(name: str, size: int) -> ZipEntry:
    """Return an entry of zeros, which are never held."""
    piece = bytes(8 << 20)

    def read() -> Iterator[bytes]:
        for start in range(0, size, len(piece)):
            yield piece[: size - start]

    return ZipEntry(name=name, size=size, modified_at=NOON, read=read)


@pytest.mark.slow
@pytest.mark.parametrize(
    "sizes", [[LARGE_BYTES, 1], [LARGE_BYTES + 1, 1], [(4 << 30) + 5, 3]], ids=["below", "above", "4 GiB"]
)  # fmt: skip
def test_sizes_and_places_beyond_32_bits(tmp_path: Path, sizes: list[int]) -> None:
    entries = [large(f"{number}.bin", size) for number, size in enumerate(sizes)]
    path = tmp_path / "archive.zip"
    with path.open("wb") as file:
        for piece in zip_pieces(entries):
            # Zeros need no room on the disk.
            if piece.strip(b"\0"):
                file.write(piece)
            else:
                file.seek(len(piece), os.SEEK_CUR)
    assert path.stat().st_size == zip_size(entries)
    with zipfile.ZipFile(path) as archive:
        assert [info.file_size for info in archive.infolist()] == sizes
        assert len(archive.read(f"{len(sizes) - 1}.bin")) == sizes[-1]
    path.unlink()


@pytest.mark.parametrize("size", [4, 6])
def test_an_entry_of_another_size_ends_the_archive(size: int) -> None:
    pieces = zip_pieces([entry("a.txt", b"hello", size=size), entry("b.txt", b"x")])
    with pytest.raises(EntryChanged):
        list(pieces)


def test_an_error_of_an_entry_ends_the_archive_without_its_end() -> None:
    def read() -> Iterator[bytes]:
        yield bytes(200_000)
        raise FileNotFoundError

    broken = ZipEntry(name="b.bin", size=300_000, modified_at=0, read=read)
    made: list[bytes] = []
    with pytest.raises(FileNotFoundError):
        made.extend(zip_pieces([entry("a.bin", bytes(100_000)), broken]))
    assert sum(map(len, made)) > 300_000
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(BytesIO(b"".join(made)))


def test_a_reader_that_goes_away_closes_the_entry_that_is_read() -> None:
    closed = []

    def read() -> Iterator[bytes]:
        try:
            yield bytes(200_000)
            yield bytes(200_000)
        finally:
            closed.append(True)

    half = ZipEntry(name="b.bin", size=400_000, modified_at=0, read=read)
    pieces = zip_pieces([half])
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert closed == [True]
