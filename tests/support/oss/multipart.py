"""Multipart uploads of one bucket, on disk: a directory each, a small file for each part."""

import hashlib
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from support.oss.content import Content, Contents, read_record, write_record
from support.oss.requests import OssError

MAX_PARTS: Final = 10_000


@dataclass(frozen=True)
class Part:
    """One part that arrived whole. ``modified``: Unix seconds."""

    number: int
    content: Content
    modified: float


@dataclass(frozen=True)
class Upload:
    """An upload that was begun. ``initiated``: Unix seconds; ``headers`` go to the object."""

    upload_id: str
    key: str
    initiated: float
    headers: Mapping[str, str]
    forbid_overwrite: bool


class Uploads:
    """The open uploads. The caller holds the bucket's lock."""

    def __init__(self, directory: Path, contents: Contents, *, min_part: int) -> None:
        self._directory = directory
        self._contents = contents
        self._min_part = min_part
        self._uploads: dict[str, Upload] = {}
        self._parts: dict[str, dict[int, Part]] = {}
        directory.mkdir(parents=True, exist_ok=True)
        for folder in directory.iterdir():
            self._load(folder)

    def _load(self, folder: Path) -> None:
        record = folder / "upload.json"
        if not record.exists():  # The server was killed while the upload began or ended.
            shutil.rmtree(folder)
            return
        upload = Upload(**read_record(record))
        self._uploads[upload.upload_id] = upload
        parts = self._parts[upload.upload_id] = {}
        for path in folder.glob("part-*.json"):
            values = read_record(path)
            content = Content(**values.pop("content"))
            parts[values["number"]] = Part(content=content, **values)

    def content_names(self) -> Iterator[str]:
        """Return the names of the files that belong to parts."""
        return (part.content.name for parts in self._parts.values() for part in parts.values())

    def begin(
        self, key: str, headers: Mapping[str, str], now: float, *, forbid_overwrite: bool
    ) -> Upload:
        """Open an upload."""
        upload_id = secrets.token_hex(16).upper()
        upload = Upload(upload_id, key, now, dict(headers), forbid_overwrite)
        self._folder(upload).mkdir()
        self._parts[upload.upload_id] = {}
        self._save(upload)
        return upload

    def get(self, upload_id: str, key: str) -> Upload:
        """Return the upload.

        Raises: OssError: NoSuchUpload when it is done, aborted or of another key.
        """
        upload = self._uploads.get(upload_id)
        if upload is None or upload.key != key:
            raise OssError(404, "NoSuchUpload", "The upload does not exist.")
        return upload

    def all(self) -> list[Upload]:
        """Return the uploads by key, then by id."""
        return sorted(self._uploads.values(), key=lambda upload: (upload.key, upload.upload_id))

    def parts(self, upload: Upload) -> list[Part]:
        """Return the parts by number."""
        return sorted(self._parts[upload.upload_id].values(), key=lambda part: part.number)

    def add_part(self, upload: Upload, part: Part) -> None:
        """Add a part; a part that is sent again replaces the one before."""
        before = self._parts[upload.upload_id].get(part.number)
        self._save_part(upload, part)
        if before is not None:
            self._contents.remove(before.content)

    def wanted_parts(self, upload: Upload, wanted: Sequence[tuple[int, str]]) -> list[Part]:
        """Return the parts that a client completes with, by number and ETag.

        Raises: OssError: 400 InvalidPartOrder, InvalidPart or EntityTooSmall.
        """
        numbers = [number for number, _ in wanted]
        if numbers != sorted(set(numbers)):
            raise OssError(400, "InvalidPartOrder", "Parts are not in ascending order.")
        parts = []
        for number, etag in wanted:
            part = self._parts[upload.upload_id].get(number)
            if part is None or part.content.md5 != etag.strip('"').upper():
                raise OssError(400, "InvalidPart", f"part {number} is not there or is another")
            parts.append(part)
        if any(part.content.size < self._min_part for part in parts[:-1]):
            raise OssError(400, "EntityTooSmall", "A part but the last is too small.")
        return parts

    def end(self, upload: Upload) -> None:
        """Remove an upload and its parts."""
        del self._uploads[upload.upload_id]
        (self._folder(upload) / "upload.json").unlink()
        shutil.rmtree(self._folder(upload))
        for part in self._parts.pop(upload.upload_id).values():
            self._contents.remove(part.content)

    def age(self, seconds: float) -> None:
        """Make all of them look older by this number of seconds."""
        for upload in self.all():
            self._save(replace(upload, initiated=upload.initiated - seconds))
            for part in self.parts(upload):
                self._save_part(upload, replace(part, modified=part.modified - seconds))

    def _folder(self, upload: Upload) -> Path:
        return self._directory / upload.upload_id

    def _save(self, upload: Upload) -> None:
        write_record(self._folder(upload) / "upload.json", asdict(upload))
        self._uploads[upload.upload_id] = upload

    def _save_part(self, upload: Upload, part: Part) -> None:
        write_record(self._folder(upload) / f"part-{part.number}.json", asdict(part))
        self._parts[upload.upload_id][part.number] = part


def etag_of_parts(contents: Iterable[Content]) -> str:
    """Return the ETag of an object that was sent in parts: it is not the MD5 of its bytes."""
    listed = list(contents)
    joined = b"".join(bytes.fromhex(content.md5) for content in listed)
    return f"{hashlib.md5(joined).hexdigest().upper()}-{len(listed)}"
