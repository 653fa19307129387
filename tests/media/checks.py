"""What is expected of a file, as small functions that yield a sentence for each fault."""

import re
import statistics
from collections.abc import Iterator, Sequence
from typing import Final
from urllib.parse import unquote

from blake3 import blake3

from media.cases import Check
from media.measure import Media, Seen, furthest, greys_of
from media.scene import CORNERS, HEIGHT, HUES, SPOTS, WIDTH

COMMON: Final = {"image/jpeg", "image/png", "image/webp", "image/avif"}
SYNC_SECONDS: Final = 0.03
TOGETHER_SECONDS: Final = 0.1
"""By how much picture and sound may come earlier or later together: containers begin at different times."""
UPRIGHT_STEPS: Final = 90
"""A corner that differs by more is another corner."""
AS_MANY_OR_FIELDS: Final = -1
COLOUR_STEPS: Final = 14
"""By how much a channel may differ from what was drawn: coding and rounding move it by fewer."""


def kept() -> Check:
    """The web copy is the sent file itself."""

    def check(seen: Seen) -> Iterator[str]:
        if not seen.is_as_sent:
            yield f"replaced by {seen.web.summary() if seen.web else 'nothing'}"

    return check


def film(
    *,
    colours: bool = True,
    sync: bool = True,
    frames: int | None = None,
    size: tuple[int, int] | None = None,
    spots: int = COLOUR_STEPS,
    may_be_kept: bool = False,
    length: bool = True,
    upright: bool = True,
    capped: bool = False,
) -> Check:
    """The web copy is an MP4 that every browser plays, with the picture and the sound of the sent file.

    ``frames``: decoded frames where they may differ from those sent, -1: as many, or as fields, or as
    a film that was telecined; ``may_be_kept``: the sent file
    itself is right too, though no browser plays it; ``capped``: it may be smaller, in the same shape.
    """

    def check(seen: Seen) -> Iterator[str]:
        web = seen.web
        if web is None or (seen.is_as_sent and may_be_kept):
            return
        faults = list(_playable(web))
        if faults and seen.is_as_sent:
            yield f"kept as it was sent: {faults[0]}"
            return
        yield from faults
        if not web.frames.count:
            yield "no frame can be decoded"
            return
        yield from _frames(web, seen.sent.frames.count, frames)
        yield from _right_shape(seen) if capped else _right_size(seen, size)
        if sync:
            yield from _in_time(seen)
        elif length and abs(web.frames.length - seen.sent.frames.length) > 0.15:
            yield f"picture of {web.frames.length:.2f} s, sent {seen.sent.frames.length:.2f} s"
        yield from _spots(web, upright=upright, steps=spots if colours else None)

    return check


def _frames(web: Media, sent: int, wanted: int | None) -> Iterator[str]:
    if wanted == AS_MANY_OR_FIELDS:
        if not 0.75 * sent <= web.frames.count <= 2 * sent + 2:
            yield f"{web.frames.count} frames of {sent}"
        return
    wanted = sent if wanted is None else wanted
    if abs(web.frames.count - wanted) > max(1, wanted // 100):
        yield f"{web.frames.count} frames of {wanted}"


def _spots(web: Media, *, upright: bool, steps: int | None) -> Iterator[str]:
    found = web.spots()
    if upright:
        far, sentence = furthest(found, {name: colour for name, (_, colour) in CORNERS.items()})
        if far > UPRIGHT_STEPS:
            yield f"corners: {sentence}"
            return
    if steps is not None:
        far, sentence = furthest(found, {name: colour for name, (_, colour) in SPOTS.items()})
        if far > steps:
            yield f"colours: {sentence}"


def _playable(web: Media) -> Iterator[str]:
    if not {"mp4", "mov"} & set(web.format.split(",")):
        yield f"a {web.format.split(',')[0] or 'file'} that browsers do not play"
        return
    for stream in web.streams("video"):
        if stream.get("codec_name") != "h264":
            yield f"picture in {stream.get('codec_name')}"
        elif stream.get("pix_fmt") not in ("yuv420p", "yuvj420p"):
            yield f"picture in {stream.get('pix_fmt')}"
    for stream in web.streams("audio"):
        if stream.get("codec_name") not in ("aac", "mp3", "opus", "flac"):
            yield f"sound in {stream.get('codec_name')}"
        elif int(stream.get("channels", 0)) > 8:
            yield f"sound of {stream.get('channels')} channels"
    if not web.is_fast_start:
        yield "the index stands at the end"


def _right_size(seen: Seen, size: tuple[int, int] | None) -> Iterator[str]:
    assert seen.web is not None
    wanted = size or seen.sent.display_size
    got = seen.web.display_size
    if any(abs(a - b) > max(2, b // 100) for a, b in zip(got, wanted, strict=True)):
        yield f"shown at {got[0]}x{got[1]}, sent at {wanted[0]}x{wanted[1]}"


def _right_shape(seen: Seen) -> Iterator[str]:
    assert seen.web is not None
    (width, height), (wide, high) = seen.web.display_size, seen.sent.display_size
    if width > wide + 2 or abs(width * high / (height * wide) - 1) > 0.03:
        yield f"shown at {width}x{height}, sent at {wide}x{high}"


def _in_time(seen: Seen) -> Iterator[str]:
    """Flashes and beeps come when they came in the sent file; both may come earlier or later together."""
    assert seen.web is not None
    seen_at = _moved("flashes", seen.web.frames.flashes, seen.sent.frames.flashes)
    if seen.sent.sound is None:
        yield from _on_time("flashes", seen_at, {})
        return
    if seen.web.sound is None:
        yield "the sound is gone"
        return
    heard_at = _moved("beeps", seen.web.sound.beeps, seen.sent.sound.beeps)
    yield from _on_time("flashes", seen_at, heard_at)
    yield from _on_time("beeps", heard_at, seen_at)


Moved = dict[float, float] | str
"""By how many seconds what came at a time comes later now, or a fault."""


def _moved(what: str, got: Sequence[float], wanted: Sequence[float]) -> Moved:
    # What begins within the first or last moments may fall in or out by the length of a sound frame.
    if abs(len(got) - len(wanted)) > (1 if len(wanted) > 4 else 0):
        return f"{len(got)} {what} of {len(wanted)}"
    return {round(b, 2): a - b for a, b in zip(got, wanted, strict=False)}


def _on_time(what: str, moved: Moved, others: Moved) -> Iterator[str]:
    if isinstance(moved, str):
        yield moved
        return
    together = statistics.median(others.values()) if isinstance(others, dict) and others else 0.0
    if abs(together) > TOGETHER_SECONDS:
        together = 0.0
    worst = max((value - together for value in moved.values()), key=abs, default=0.0)
    worst = min(worst, max(moved.values(), key=abs, default=0.0), key=abs)
    if abs(worst) > SYNC_SECONDS:
        yield f"{what} {worst * 1000:+.0f} ms"


def sounds(
    count: int | None = None,
    *,
    languages: Sequence[str] = (),
    per_channel: int = 0,
    default_hz: int | None = None,
) -> Check:
    """This number of sounds with these languages, and at least this number of bits a second for each channel."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is None or (seen.is_as_sent and not seen.web.streams("audio")):
            return
        found = seen.web.streams("audio")
        if count is not None and len(found) < count:
            yield f"{len(found)} of {count} sounds"
        said = [str(stream.get("tags", {}).get("language", "und")) for stream in found]
        if missing := [language for language in languages if language not in said]:
            yield f"no sound in {', '.join(missing)}"
        for stream in found:
            rate = int(stream.get("bit_rate", 0) or 0) / max(1, int(stream.get("channels", 1)))
            if per_channel and stream.get("codec_name") == "aac" and rate < per_channel * 0.85:
                yield f"{rate / 1000:.0f} kbit/s a channel"
        if default_hz is not None and found:
            marked = [s.get("disposition", {}).get("default") for s in found]
            number = marked.index(1) if 1 in marked else 0
            heard = seen.web.sounds[number].hz
            if abs(heard - default_hz) > default_hz * 0.1:
                yield f"the default sound has {heard:.0f} Hz, not {default_hz}"

    return check


def subtitles(count: int, *, languages: Sequence[str] = ()) -> Check:
    """This number of text subtitles in the web copy or as renditions of their own."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is None:
            return
        found = seen.web.streams("subtitle")
        files = [name for name in seen.renditions if name.startswith("subtitles")]
        if max(len(found), len(files)) < count:
            yield f"{len(found)} subtitles in it and {len(files)} beside it, of {count}"
        said = [str(stream.get("tags", {}).get("language", "und")) for stream in found]
        if len(found) >= count and (missing := [lang for lang in languages if lang not in said]):
            yield f"no subtitle in {', '.join(missing)}"

    return check


def chapters(count: int) -> Check:
    """This number of chapters in the web copy."""

    def check(seen: Seen) -> Iterator[str]:
        found = len(seen.web.facts.get("chapters", ())) if seen.web else 0
        if found != count:
            yield f"{found} of {count} chapters"

    return check


def tags(**wanted: str) -> Check:
    """These tags are in the web copy (a part of the value is enough)."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is None:
            return
        found = {
            k.lower(): str(v) for k, v in seen.web.facts.get("format", {}).get("tags", {}).items()
        }
        for name, value in wanted.items():
            if value not in found.get(name, ""):
                yield f"tag {name} is {found.get(name, 'gone')!r}"

    return check


def greys() -> Check:
    """An HDR film is tone mapped: its greys are no paler than in a right conversion."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is None or seen.is_as_sent:
            return
        transfer = seen.web.shown.get("color_transfer")
        if transfer in ("smpte2084", "arib-std-b67") and "10" not in str(
            seen.web.shown.get("pix_fmt")
        ):
            yield f"8 bit, tagged {transfer}"
        got = greys_of(seen.web.spots())
        wanted = (64, 128, 185, 214)
        room = (22, 24, 30, 42)
        if any(abs(a - b) > c for a, b, c in zip(got, wanted, room, strict=True)):
            yield f"greys {'/'.join(map(str, got))}"
        hue = seen.web.spots()
        for name, (_, colour) in {**CORNERS, **HUES}.items():
            if _order(hue.get(name, (0, 0, 0))) != _order(colour):
                yield f"hue of {name}: {hue.get(name)}"
                return

    return check


def _order(colour: tuple[int, int, int]) -> tuple[bool, ...]:
    middle = (max(colour) + min(colour)) / 2
    return tuple(value > middle - (max(colour) - min(colour)) * 0.12 for value in colour)


def not_combed(share: float = 0.15) -> Check:
    """Few frames have two fields in one."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is not None and seen.web.frames.count and seen.web.fields > share:
            yield f"{seen.web.fields:.0%} of the frames are combed"

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


def image(*, colours: int = 18, wide: bool = False) -> Check:
    """The web copy, or a rendition of it, is a picture that Chromium shows, upright and in its colours."""

    def check(seen: Seen) -> Iterator[str]:
        shown = {
            name: measured
            for name, measured in (seen.played or {}).items()
            if "error" not in measured
        }
        if not shown:
            yield "no browser shows it, and there is no rendition that one shows"
        for name, measured in shown.items():
            got = {spot: tuple(colour) for spot, colour in measured["spots"].items()}
            if measured["width"] * HEIGHT != measured["height"] * WIDTH and name in (
                "web",
                "original",
            ):
                yield f"{name}: {measured['width']}x{measured['height']}"
            wanted = {spot: colour for spot, (_, colour) in SPOTS.items()}
            if wide:
                # What a browser makes of Display P3's (192, 0, 0) and so on: beyond what sRGB has.
                wanted = {
                    spot: colour for spot, colour in wanted.items() if spot.startswith("grey")
                }
                red = got["top left"]
                if red[0] < 196:
                    yield f"{name}: red of the wide gamut is {red}: taken for sRGB"
            far, sentence = furthest(got, wanted)
            if far > (colours if name in ("web", "original") else colours + 12):
                yield f"{name}: {sentence}"

    return check


def image_tags(mark: bytes) -> Check:
    """These bytes are in the web copy."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is not None and mark not in seen.web.path.read_bytes():
            yield f"{mark.decode()} is gone"

    return check


def common_picture() -> Check:
    """The web copy or a rendition is of a type that every browser shows."""

    def check(seen: Seen) -> Iterator[str]:
        types = [str(each.facts.get("content_type", "")) for each in seen.renditions.values()]
        suffix = seen.web.path.suffix if seen.web else ""
        if suffix not in (".jpg", ".png", ".webp", ".avif", ".gif") and not COMMON & set(types):
            yield "no JPEG, PNG, WebP or AVIF of it"

    return check


def animated() -> Check:
    """The web copy has more than one frame."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is None or seen.is_as_sent:
            return
        data = seen.web.path.read_bytes()
        if (
            b"ANMF" not in data
            and b"acTL" not in data
            and seen.web.frames.count < 2
            and b"avis" not in data[:64]
        ):
            yield "a still picture was made of it"

    return check


def sound_only() -> Check:
    """The web copy, or a rendition, is a sound that Chromium plays, with its beeps in time."""

    def check(seen: Seen) -> Iterator[str]:
        heard = {
            name: measured
            for name, measured in (seen.played or {}).items()
            if "error" not in measured
        }
        if not heard:
            yield "no browser plays it, and there is no rendition that one plays"
            return
        if all(measured["rms"] < 0.005 for measured in heard.values()):
            yield "it is silent"
        if seen.web is not None and not seen.is_as_sent and seen.sent.sound is not None:
            got = seen.web.sound
            if got is None:
                yield "the sound is gone"
            else:
                moved = _moved("beeps", got.beeps, seen.sent.sound.beeps)
                yield from _on_time("beeps", moved, moved)
                if abs(got.length - seen.sent.sound.length) > 0.1:
                    yield f"{got.length:.2f} s of {seen.sent.sound.length:.2f} s"

    return check
