"""What is expected of any file: of its notes, and of what can be downloaded.

Each check yields a sentence for each fault.
"""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from blake3 import blake3

from media.cases import Check
from media.measure import Seen


def kept() -> Check:
    """Expect that the web copy is the sent file itself."""

    def check(seen: Seen) -> Iterator[str]:
        if not seen.is_as_sent:
            yield f"replaced by {seen.web.summary() if seen.web else 'nothing'}"

    return check


def has_note(*codes: str) -> Check:
    """Expect that the task has one of these notes, which is the true reason."""

    def check(seen: Seen) -> Iterator[str]:
        if not set(codes) & set(seen.notes):
            yield f"notes {', '.join(seen.notes) or 'none'}, not {' or '.join(codes)}"

    return check


def has_no_note(code: str) -> Check:
    """Expect that the task has no such note, which would be untrue."""

    def check(seen: Seen) -> Iterator[str]:
        if code in seen.notes:
            yield f"the note {code}"

    return check


def silent() -> Check:
    """Expect no remark about the file."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.message not in ("上传完成", "文件已存在，秒传成功"):
            yield f"the message {seen.message}"

    return check


def smaller() -> Check:
    """Expect that the web copy has fewer bytes than were sent."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is not None and seen.web.path.stat().st_size >= seen.sent.path.stat().st_size:
            yield "not compressed"

    return check


def rendition(*names: str) -> Check:
    """Expect a rendition of each of these names (a prefix is enough)."""

    def check(seen: Seen) -> Iterator[str]:
        for name in names:
            if not any(found.startswith(name) for found in seen.renditions):
                yield f"no rendition {name}"

    return check


_LATIN: Final = re.compile(r"[A-Za-z]{2,}")
_ALLOWED: Final = {
    "OSS",
    "HDR",
    "MP4",
    "Dolby",
    "Vision",
    "HEIC",
    "JPEG",
    "GPS",
    "HLS",
    "AAC",
    "WebVTT",
}


def of_every_file(seen: Seen) -> Iterator[str]:
    """Check what is expected of every file."""
    if seen.last.get("status") != "completed":
        status, code = seen.last.get("status"), seen.last.get("error_code", "")
        yield f"{status} {code} {seen.last.get('error', '')}".strip()
        return
    progress = [int(state["progress"]) for state in seen.states if "progress" in state]
    if progress != sorted(progress):
        yield f"progress fell: {progress}"
    latin = [word for word in _LATIN.findall(seen.message) if word not in _ALLOWED]
    if latin:
        yield f"English inside Chinese: {seen.message}"
    yield from _right_name(seen)
    yield from _as_listed(seen)


def _as_listed(seen: Seen) -> Iterator[str]:
    """Check that what is downloaded has the size and the hash of the list of renditions."""
    files = [("web", seen.main, seen.web.path)] if seen.web and seen.main else []
    files += [(name, each.facts, each.path) for name, each in seen.renditions.items()]
    for name, row, path in files:
        data = path.read_bytes()
        if row.get("size") != len(data) or row.get("hash") != blake3(data).hexdigest():
            yield f"{name} differs from the list"


_EXTENSIONS: Final = {
    "matroska": {"mkv", "webm", "mka", "mk3d"}, "webm": {"webm", "mkv", "mka"},
    "avi": {"avi", "divx"},
    "asf": {"wmv", "asf", "wma"}, "flv": {"flv", "f4v"}, "ogg": {"ogg", "ogv", "oga", "opus"},
    "mp4": {"mp4", "m4v", "mov", "m4a", "m4b", "3gp", "f4v", "insv", "cr3", "heics", "heic", "avif",
            "m4s", "qt", "3g2"},
}  # fmt: skip


def _right_name(seen: Seen) -> Iterator[str]:
    """Check that a download that was converted has the extension of its type."""
    if seen.web is None or seen.is_as_sent:
        return
    found = re.search(r"filename\*=UTF-8''(\S+)", seen.disposition)
    extension = unquote(found[1]).rpartition(".")[2].lower().strip() if found else ""
    fits = set().union(*(_EXTENSIONS.get(part, set()) for part in seen.web.format.split(",")))
    strict = {"mp4", "m4a", "m4v"} if "mp4" in seen.web.format else fits
    if seen.case.group == "pictures":
        fits = strict = {
            seen.web.path.suffix.lstrip("."),
            "jpeg" if seen.web.path.suffix == ".jpg" else "",
        }
    if fits and extension not in strict:
        yield f"its download is called .{extension}"


def completed() -> Check:
    """Expect nothing more than what is expected of every file."""

    def check(seen: Seen) -> Iterator[str]:
        yield from ()

    return check


def named(name: str) -> Check:
    """Expect the name under which the file was sent, without what no header can carry."""

    def check(seen: Seen) -> Iterator[str]:
        found = re.search(r"filename\*=UTF-8''(\S+)", seen.disposition)
        got = unquote(found[1]) if found else ""
        wanted = "".join(char for char in name if char.isprintable())
        wanted, got = wanted.strip(), got.strip()
        if not found or wanted.replace("/", "_").replace("\\", "_") not in (
            got,
            got.replace("%2F", "_"),
        ):
            yield f"its download is called {got!r}"

    return check
