"""Uploads under way, remembered on disk, so that a client's crash costs nothing but its time."""

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from tusd_py.private_files import make_private_directory, write_private


def state_dir() -> Path:
    """``$XDG_STATE_HOME/tusd-py``, or its place by default."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "tusd-py" / "uploads"


@dataclass(frozen=True, slots=True)
class SavedUpload:
    """An upload under way: its address, and what opens it when the user's own token has expired."""

    url: str
    token: str | None = None


class ResumeStore:
    """One small file per upload: how it goes on."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def _path(self, file: Path, endpoint: str) -> Path:
        """Changes with the file: another content must not go on where this one stopped."""
        status = file.stat()
        key = f"{file.resolve()}\0{status.st_size}\0{status.st_mtime_ns}\0{endpoint}"
        return self._directory / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def get(self, file: Path, endpoint: str) -> SavedUpload | None:
        """Where the upload of this file goes on; None when it has not begun."""
        try:
            members = json.loads(self._path(file, endpoint).read_text("utf-8"))
            url, token = members["url"], members.get("token")
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        if not isinstance(url, str):
            return None
        return SavedUpload(url, token if isinstance(token, str) else None)

    def put(self, file: Path, endpoint: str, begun: SavedUpload) -> None:
        """Remember it, for this user's eyes only. Raises: OSError."""
        path = self._path(file, endpoint)
        make_private_directory(path.parent)
        members = {"url": begun.url, "token": begun.token, "file": str(file.resolve())}
        write_private(path, json.dumps(members).encode())

    def forget(self, file: Path, endpoint: str) -> None:
        """It is done. Idempotent."""
        self._path(file, endpoint).unlink(missing_ok=True)
