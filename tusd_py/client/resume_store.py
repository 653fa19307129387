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


class ResumeStore:
    """Keeps one small file for each incomplete upload."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def _path(self, file: Path, endpoint: str) -> Path:
        """Return a path that changes with the file: other content must not resume this upload."""
        status = file.stat()
        key = f"{file.resolve()}\0{status.st_size}\0{status.st_mtime_ns}\0{endpoint}"
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        return self._directory / f"{digest}.json"

    def get(self, file: Path, endpoint: str) -> SavedUpload | None:
        """Return the incomplete upload of this file; None if there is none."""
        try:
            members = json.loads(self._path(file, endpoint).read_text("utf-8"))
            url, token = members["url"], members.get("token")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        if not isinstance(url, str):
            return None
        return SavedUpload(url, token if isinstance(token, str) else None)

    def put(self, file: Path, endpoint: str, begun: SavedUpload) -> None:
        """Keep it, readable by this user only. Raises: OSError."""
        path = self._path(file, endpoint)
        make_private_directory(path.parent)
        members = {"url": begun.url, "token": begun.token, "file": str(file.resolve())}
        write_private(path, json.dumps(members).encode())

    def forget(self, file: Path, endpoint: str) -> None:
        """Remove the upload, which is complete. Idempotent."""
        self._path(file, endpoint).unlink(missing_ok=True)
