"""What is expected of any file: what is said about it, and what can be had back. Each yields a sentence for each fault."""

import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import unquote

from blake3 import blake3

from media.cases import Check
from media.measure import Seen


def kept() -> Check:
    """The web copy is the sent file itself."""

    def check(seen: Seen) -> Iterator[str]:
        if not seen.is_as_sent:
            yield f"replaced by {seen.web.summary() if seen.web else 'nothing'}"

    return check


def says(*codes: str) -> Check:
    """The task has one of these notes: it says the true reason."""

    def check(seen: Seen) -> Iterator[str]:
        if not set(codes) & set(seen.notes):
            yield f"notes {', '.join(seen.notes) or 'none'}, not {' or '.join(codes)}"

    return check


def never_says(code: str) -> Check:
    """The task has no such note: it would be untrue."""

    def check(seen: Seen) -> Iterator[str]:
        if code in seen.notes:
            yield f"the note {code}"

    return check


def silent() -> Check:
    """There is no remark about the file."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.message not in ("上传完成", "文件已存在，秒传成功"):
            yield f"the message {seen.message}"

    return check


def smaller() -> Check:
    """The web copy has fewer bytes than were sent."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is not None and seen.web.path.stat().st_size >= seen.sent.path.stat().st_size:
            yield "not compressed"

    return check


def rendition(*names: str) -> Check:
    """There is a rendition of each of these names (a prefix is enough)."""

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
    """What is expected whatever the file is."""
    if seen.last.get("status") != "completed":
        yield f"{seen.last.get('status')} {seen.last.get('error_code', '')} {seen.last.get('error', '')}".strip()
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
    """What is downloaded has the size and the hash that the list of renditions states."""
    files = [("web", seen.main, seen.web.path)] if seen.web and seen.main else []
    files += [(name, each.facts, each.path) for name, each in seen.renditions.items()]
    for name, row, path in files:
        data = path.read_bytes()
        if row.get("size") != len(data) or row.get("hash") != blake3(data).hexdigest():
            yield f"{name} is not what the list says"


_EXTENSIONS: Final = {
    "matroska": {"mkv", "webm", "mka", "mk3d"}, "webm": {"webm", "mkv", "mka"}, "avi": {"avi", "divx"},
    "asf": {"wmv", "asf", "wma"}, "flv": {"flv", "f4v"}, "ogg": {"ogg", "ogv", "oga", "opus"},
    "mp4": {"mp4", "m4v", "mov", "m4a", "m4b", "3gp", "f4v", "insv", "cr3", "heics", "heic", "avif", "m4s", "qt", "3g2"},
}  # fmt: skip


def _right_name(seen: Seen) -> Iterator[str]:
    """A download that was converted bears the extension of what it is."""
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
    """Nothing more than what is expected of every file."""

    def check(seen: Seen) -> Iterator[str]:
        yield from ()

    return check


def named(name: str) -> Check:
    """The download has the name under which the file was sent, without what no header can carry."""

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
