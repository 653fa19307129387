"""Uploads under way, remembered on disk, so that a client's crash costs nothing but its time."""

import hashlib
import json
import os
from pathlib import Path


def state_dir() -> Path:
    """``$XDG_STATE_HOME/tusd-py``, or its place by default."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "tusd-py" / "uploads"


class Remembered:
    """One small file per upload: the address by which it goes on."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def _path(self, file: Path, endpoint: str) -> Path:
        """Changes with the file: another content must not go on where this one stopped."""
        status = file.stat()
        key = f"{file.resolve()}\0{status.st_size}\0{status.st_mtime_ns}\0{endpoint}"
        return self._directory / f"{hashlib.sha256(key.encode()).hexdigest()}.json"

    def get(self, file: Path, endpoint: str) -> str | None:
        """Where the upload of this file goes on; None when it has not begun."""
        try:
            url = json.loads(self._path(file, endpoint).read_text("utf-8"))["url"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return url if isinstance(url, str) else None

    def put(self, file: Path, endpoint: str, url: str) -> None:
        """Remember it. Raises: OSError."""
        path = self._path(file, endpoint)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps({"url": url, "file": str(file.resolve())}), "utf-8")
        draft.rename(path)

    def forget(self, file: Path, endpoint: str) -> None:
        """It is done. Idempotent."""
        self._path(file, endpoint).unlink(missing_ok=True)
