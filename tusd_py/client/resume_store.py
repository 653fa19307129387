"""Keep incomplete uploads on disk, so that a client can resume them after a crash."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from tusd_py.private_files import make_private_directory, write_private


def state_dir() -> Path:
    """Return the folder below ``$XDG_STATE_HOME``, or below ``~/.local/state``."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "tusd-py" / "uploads"


@dataclass(frozen=True, slots=True)
class SavedUpload:
    """An incomplete upload: its address, and its token for when the user's own has expired."""

    url: str
    token: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The header fields of requests to it, besides those of every request."""
        return {"Upload-Token": self.token} if self.token else {}


@dataclass(frozen=True, slots=True)
class FileVersion:
    """Tells the contents of a file apart: other content must not resume an upload."""

    size: int
    """Bytes."""
    changed: int
    """Unix time of the last change, in nanoseconds."""

    @classmethod
    def of(cls, file: Path) -> "FileVersion":
        """Return the present version. Raises: OSError."""
        status = file.stat()
        return cls(status.st_size, status.st_mtime_ns)


class ResumeStore:
    """Keeps one small file for each incomplete upload of a version of a file."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def _path(self, file: Path, version: FileVersion, endpoint: str) -> Path:
        key = f"{file.resolve()}\0{version.size}\0{version.changed}\0{endpoint}"
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self._directory / f"{digest}.json"

    def get(self, file: Path, version: FileVersion, endpoint: str) -> SavedUpload | None:
        """Return the incomplete upload of this version; None if there is none."""
        try:
            members = json.loads(self._path(file, version, endpoint).read_text("utf-8"))
            url, token = members["url"], members.get("token")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        if not isinstance(url, str):
            return None
        return SavedUpload(url, token if isinstance(token, str) else None)

    def put(self, file: Path, version: FileVersion, endpoint: str, begun: SavedUpload) -> None:
        """Keep it, readable by this user only. Raises: OSError."""
        path = self._path(file, version, endpoint)
        make_private_directory(path.parent)
        members = {"url": begun.url, "token": begun.token, "file": str(file.resolve())}
        write_private(path, json.dumps(members).encode())

    def forget(self, file: Path, version: FileVersion, endpoint: str) -> None:
        """Remove the upload, which is complete. Idempotent."""
        self._path(file, version, endpoint).unlink(missing_ok=True)
