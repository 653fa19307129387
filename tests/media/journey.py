"""The way of the files: ``tusd-py upload --json`` sends them, and the results are downloaded."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
from support.server import STILLS, Server, running_server

from media.cases import Case
from media.measure import Media, Rendition, Seen

SECONDS: Final = 3600
_EXTENSIONS: Final = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/avif": ".avif",
    "image/gif": ".gif",
    "audio/mp4": ".m4a", "audio/ogg": ".opus", "audio/mpeg": ".mp3", "video/mp4": ".mp4",
    "text/vtt": ".vtt",
}  # fmt: skip


@contextmanager
def media_server(
    folder: Path, *, code: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Server]:
    """Run a server with two workers and the default settings; ``code``: another tree's program."""
    env = {**STILLS, "TUSD_JOBS__RELAY_EVERY": "0.2", **(settings or {})}
    if code is not None:
        # Without the second one, Python looks for modules in the working directory first.
        env |= {"PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"}
    with running_server(folder, "--workers", "2", env=env) as server:
        yield server


def send(server: Server, files: Sequence[Path], state: Path) -> dict[Path, list[dict[str, Any]]]:
    """Send the files and follow each to its end.

    Returns: the lines that the command printed, by file.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tusd_py", "upload", "--json", "--parallel", "3",
         "--url", server.files,
         *map(str, files)],
        capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
    )  # fmt: skip
    printed: dict[Path, list[dict[str, Any]]] = {file: [] for file in files}
    for line in done.stdout.splitlines():
        printed_state = json.loads(line)
        printed.setdefault(Path(printed_state["file"]), []).append(printed_state)
    if not any(printed.values()):
        raise RuntimeError(done.stderr[-2000:])
    return printed


def seen(
    server: Server, case: Case, file: Path, states: list[dict[str, Any]], folder: Path, memo: Path
) -> Seen:
    """Download what the server has of one file: the web copy and all renditions."""
    result = Seen(
        case=case,
        sent=Media(file, picture=case.picture, sound=case.sound, memo=memo),
        states=states,
    )
    url = next((str(state["url"]) for state in reversed(states) if state.get("url")), "")
    if not url:
        return result
    folder.mkdir(parents=True, exist_ok=True)
    with httpx.Client(timeout=120, follow_redirects=True) as client:
        web = folder / "web"
        result.disposition = _download(client, url, {}, web) or ""
        if result.disposition:
            result.web = Media(_with_extension(web))
        task = str(result.last.get("task_id", ""))
        printed = client.get(f"{server.url}/api/file/upload/renditions/{task}")
        found = printed.json() if printed.status_code == httpx.codes.OK else {}
        result.notes = [
            str(code) for code in result.last.get("note_codes") or found.get("note_codes") or ()
        ]
        for row in found.get("renditions", ()):
            name = str(row["name"])
            if name == found.get("main"):
                result.main = row
            if name == "web":
                continue
            path = folder / f"{name}{_EXTENSIONS.get(str(row.get('content_type', '')), '')}"
            named = _download(client, url, {"rendition": name}, path)
            if named is not None:
                result.renditions[name] = Rendition(
                    name=name, path=path, facts=row, disposition=named
                )
    return result


def _download(client: httpx.Client, url: str, query: dict[str, str], path: Path) -> str | None:
    """Write what is answered to ``path`` and return its disposition; None when there is nothing."""
    with client.stream("GET", url, params=query) as answer:
        if answer.status_code != httpx.codes.OK:
            return None
        with path.open("wb") as file:
            for piece in answer.iter_bytes():
                file.write(piece)
        return str(answer.headers.get("content-disposition", "-"))


def _with_extension(path: Path) -> Path:
    """Rename a file by its contents, since a browser takes a file's type from its name."""
    formats = Media(path).format.split(",")
    with path.open("rb") as file:
        head = file.read(64)
    by_format = {"matroska": ".webm", "mp4": ".mp4", "ogg": ".ogg", "mp3": ".mp3", "wav": ".wav",
                 "flac": ".flac",
                 "avi": ".avi", "gif": ".gif", "aac": ".aac"}  # fmt: skip
    by_head = {b"\xff\xd8\xff": ".jpg", b"\x89PNG": ".png", b"GIF8": ".gif"}
    extension = next((found for start, found in by_head.items() if head.startswith(start)), "")
    if head[8:12] == b"WEBP":
        extension = ".webp"
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        extension = ".avif"
    if not extension:
        extension = next((by_format[name] for name in formats if name in by_format), "")
    return path.rename(path.with_suffix(extension)) if extension else path
