"""Bytes on disk: each body is one file with its own name, written once and never changed."""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import crcmod
from support.oss.requests import OssError

#: CRC-64/ECMA-182, reflected, as in ``x-oss-hash-crc64ecma``. Its tables are made once.
_CRC64: Final = crcmod.Crc(0x142F0E1EBA9EA3693, 0, True, 0xFFFFFFFFFFFFFFFF)
_CHUNK_BYTES: Final = 1 << 18


@dataclass(frozen=True)
class Content:
    """One file of bytes. ``md5`` is upper-case hex, as ETags are."""

    name: str
    size: int
    md5: str
    crc64: int


class Contents:
    """Holds the files of one bucket."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)

    def write(self, chunks: Iterable[bytes], declared_md5: str | None = None) -> Content:
        """Store a body.

        Nothing stays of a body that ends early or does not agree with Content-MD5.
        """
        name = secrets.token_hex(16)
        path = self._directory / name
        md5, crc, size = hashlib.md5(), _CRC64.new(), 0
        try:
            with path.open("xb") as file:
                for chunk in chunks:
                    file.write(chunk)
                    md5.update(chunk)
                    crc.update(chunk)
                    size += len(chunk)
            if declared_md5 and declared_md5 != base64.b64encode(md5.digest()).decode():
                raise OssError(400, "InvalidDigest", "Content-MD5 is not that of the body")
        except BaseException:
            path.unlink()
            raise
        return Content(name, size, md5.hexdigest().upper(), crc.crcValue)

    def join(self, parts: Iterable[Content]) -> Content:
        """Join many contents to one, in their order."""
        return self.write(chunk for part in parts for chunk in self._chunks(part))

    def _chunks(self, content: Content) -> Iterator[bytes]:
        with self.open(content) as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    def open(self, content: Content) -> BinaryIO:
        """Open the file to read it; it stays readable when the object is overwritten meanwhile."""
        return (self._directory / content.name).open("rb")

    def remove(self, content: Content) -> None:
        """Delete the file."""
        (self._directory / content.name).unlink()

    def keep_only(self, names: Collection[str]) -> None:
        """Delete the files that a killed server left behind."""
        for path in self._directory.iterdir():
            if path.name not in names:
                path.unlink()


def write_record(path: Path, record: Mapping[str, Any]) -> None:
    """Write a small JSON file so that it is whole or absent after kill -9."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps(record, ensure_ascii=False))
    os.replace(new, path)


def read_record(path: Path) -> dict[str, Any]:
    """Return what ``write_record`` wrote."""
    record: dict[str, Any] = json.loads(path.read_text())
    return record
