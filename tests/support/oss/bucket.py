"""One bucket on disk: objects and open uploads, which are there again after kill -9.

Rule 1: a body is written first, the small record that names it last, by rename: a killed server
leaves a file without a record, which the next start removes. Rule 2: bodies are written without the
lock; decisions (overwriting, an upload's end) are made under it.
"""

import hashlib
import shutil
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from support.oss.content import Content, Contents, read_record, write_record
from support.oss.multipart import Part, Upload, Uploads, etag_of_parts
from support.oss.requests import OssError

from tusd_py.clock import Clock


@dataclass(frozen=True)
class StoredObject:
    """The facts of an object. ``kind``: Normal or Multipart; ``modified``: Unix seconds."""

    key: str
    content: Content
    etag: str
    kind: str
    modified: float
    headers: Mapping[str, str]


class Bucket:
    """Objects by key, and the uploads that will become objects."""

    def __init__(self, directory: Path, *, min_part: int, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._lock = threading.RLock()
        self._contents = Contents(directory / "content")
        self._uploads = Uploads(directory / "uploads", self._contents, min_part=min_part)
        self._records = directory / "objects"
        self._records.mkdir(exist_ok=True)
        self._objects = {found.key: found for found in map(_load, self._records.glob("*.json"))}
        named = {found.content.name for found in self._objects.values()}
        self._contents.keep_only(named | set(self._uploads.content_names()))

    # Objects

    def put(
        self,
        key: str,
        body: Iterable[bytes],
        headers: Mapping[str, str],
        *,
        forbid_overwrite: bool,
        declared_md5: str | None,
    ) -> StoredObject:
        """Store an object whole."""
        content = self._contents.write(body, declared_md5)
        return self._commit(key, content, content.md5, "Normal", headers, forbid_overwrite)

    def get(self, key: str) -> StoredObject:
        """Return the object.

        Raises: OssError: NoSuchKey.
        """
        with self._lock:
            if key not in self._objects:
                raise OssError(404, "NoSuchKey", "The specified key does not exist.")
            return self._objects[key]

    def open(self, key: str) -> tuple[StoredObject, BinaryIO]:
        """Return the object and its bytes."""
        with self._lock:
            found = self.get(key)
            return found, self._contents.open(found.content)

    def delete(self, key: str) -> None:
        """Remove the object; one that does not exist counts as removed."""
        with self._lock:
            found = self._objects.pop(key, None)
            if found is not None:
                self._record(key).unlink()
                self._contents.remove(found.content)

    def objects(self) -> list[StoredObject]:
        """Return the objects by key, in the order of its bytes."""
        with self._lock:
            return sorted(self._objects.values(), key=lambda found: found.key.encode())

    def refuse_overwrite(self, key: str) -> None:
        """Raise FileAlreadyExists when the key is taken."""
        with self._lock:
            if key in self._objects:
                raise OssError(409, "FileAlreadyExists", "The object you specified already exists.")

    def _commit(
        self,
        key: str,
        content: Content,
        etag: str,
        kind: str,
        headers: Mapping[str, str],
        forbid_overwrite: bool,
    ) -> StoredObject:
        new = StoredObject(key, content, etag, kind, self._clock.now(), headers)
        with self._lock:
            before = self._objects.get(key)
            if before is not None and forbid_overwrite:
                self._contents.remove(content)
                self.refuse_overwrite(key)
            self._save(new)
            if before is not None:
                self._contents.remove(before.content)
        return new

    # Multipart uploads

    def begin_upload(
        self, key: str, headers: Mapping[str, str], *, forbid_overwrite: bool
    ) -> Upload:
        """Open an upload; what forbids it to overwrite now does so at its end too."""
        with self._lock:
            if forbid_overwrite:
                self.refuse_overwrite(key)
            return self._uploads.begin(
                key, headers, self._clock.now(), forbid_overwrite=forbid_overwrite
            )

    def upload(self, upload_id: str, key: str) -> Upload:
        """Return the open upload.

        Raises: OssError: NoSuchUpload.
        """
        with self._lock:
            return self._uploads.get(upload_id, key)

    def uploads(self) -> list[Upload]:
        """Return the uploads by key, then by id."""
        with self._lock:
            return self._uploads.all()

    def parts(self, upload_id: str, key: str) -> list[Part]:
        """Return the parts by number."""
        with self._lock:
            return self._uploads.parts(self._uploads.get(upload_id, key))

    def put_part(
        self, upload_id: str, key: str, number: int, body: Iterable[bytes], declared_md5: str | None
    ) -> Part:
        """Store a part.

        Raises: OssError: NoSuchUpload, also when the upload ends while the part arrives.
        """
        self.upload(upload_id, key)
        content = self._contents.write(body, declared_md5)
        part = Part(number, content, self._clock.now())
        with self._lock:
            try:
                self._uploads.add_part(self._uploads.get(upload_id, key), part)
            except OssError:
                self._contents.remove(content)
                raise
        return part

    def complete(
        self,
        upload_id: str,
        key: str,
        wanted: Sequence[tuple[int, str]],
        *,
        forbid_overwrite: bool,
    ) -> StoredObject:
        """Make an object of the named parts; the upload and all its parts are removed."""
        # All of it happens under the lock: nothing may replace or remove the parts that are read.
        with self._lock:
            upload = self._uploads.get(upload_id, key)
            contents = [part.content for part in self._uploads.wanted_parts(upload, wanted)]
            if forbid_overwrite or upload.forbid_overwrite:
                self.refuse_overwrite(key)
            content = self._contents.join(contents)
            etag = etag_of_parts(contents)
            stored = self._commit(key, content, etag, "Multipart", upload.headers, False)
            self._uploads.end(upload)
        return stored

    def abort(self, upload_id: str, key: str) -> None:
        """Abort an upload and delete its parts.

        Raises: OssError: NoSuchUpload.
        """
        with self._lock:
            self._uploads.end(self._uploads.get(upload_id, key))

    # The bucket itself

    def age(self, seconds: float) -> None:
        """Make objects, uploads and parts look older by this number of seconds."""
        with self._lock:
            for found in self.objects():
                self._save(replace(found, modified=found.modified - seconds))
            self._uploads.age(seconds)

    def remove(self) -> None:
        """Delete the bucket.

        Raises: OssError: BucketNotEmpty.
        """
        with self._lock:
            if self._objects or self._uploads.all():
                raise OssError(409, "BucketNotEmpty")
            shutil.rmtree(self._directory)

    def _record(self, key: str) -> Path:
        return self._records / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def _save(self, stored: StoredObject) -> None:
        write_record(self._record(stored.key), asdict(stored))
        self._objects[stored.key] = stored


def _load(path: Path) -> StoredObject:
    values = read_record(path)
    content = Content(**values.pop("content"))
    return StoredObject(content=content, **values)
