"""What is expected of films and sounds: pictures, sounds, lengths and additional streams."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Final

from media.cases import Check
from media.measure import Media, Seen, furthest, greys_of
from media.scene import CORNERS, HUES, SPOTS

SYNC_SECONDS: Final = 0.03
TOGETHER_SECONDS: Final = 0.1
"""Seconds by which picture and sound together may differ: containers begin at different times."""
UPRIGHT_STEPS: Final = 90
"""A corner that differs by more is another corner."""
AS_MANY_OR_FIELDS: Final = -1
COLOUR_STEPS: Final = 14
"""By how much a channel may differ from what was drawn: coding and rounding move it by fewer."""


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
    """Expect an MP4 that every browser plays, with the picture and the sound of the sent file.

    ``frames``: decoded frames where they may differ from those sent, -1: as many, or as fields, or
    as a film that was telecined; ``may_be_kept``: the sent file itself is right too, though no
    browser plays it; ``capped``: it may be smaller, in the same shape.
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
    """Check that flashes and beeps come at their times of the sent file.

    Both may come earlier or later together.
    """
    assert seen.web is not None
    seen_at = _moved("flashes", seen.web.frames.flashes, seen.sent.frames.flashes)
    if seen.sent.sound is None:
        yield from _on_time("flashes", seen_at, {})
        return
    if seen.web.sound is None:
        yield "the sound is gone"
        return
    beeps_at = _moved("beeps", seen.web.sound.beeps, seen.sent.sound.beeps)
    yield from _on_time("flashes", seen_at, beeps_at)
    yield from _on_time("beeps", beeps_at, seen_at)


Moved = dict[float, float] | str
"""Return by how many seconds the events are later now, or a fault."""


def _moved(what: str, got: Sequence[float], wanted: Sequence[float]) -> Moved:
    # What begins within the first or last moments may be lost or added by the length of a sound
    # frame.
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
    """Expect this number of sounds with these languages.

    Each has at least this number of bits a second for each channel.
    """

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is None or (seen.is_as_sent and not seen.web.streams("audio")):
            return
        found = seen.web.streams("audio")
        if count is not None and len(found) < count:
            yield f"{len(found)} of {count} sounds"
        languages_found = [str(stream.get("tags", {}).get("language", "und")) for stream in found]
        if missing := [language for language in languages if language not in languages_found]:
            yield f"no sound in {', '.join(missing)}"
        for stream in found:
            rate = int(stream.get("bit_rate", 0) or 0) / max(1, int(stream.get("channels", 1)))
            if per_channel and stream.get("codec_name") == "aac" and rate < per_channel * 0.85:
                yield f"{rate / 1000:.0f} kbit/s a channel"
        if default_hz is not None and found:
            marked = [s.get("disposition", {}).get("default") for s in found]
            number = marked.index(1) if 1 in marked else 0
            hz = seen.web.sounds[number].hz
            if abs(hz - default_hz) > default_hz * 0.1:
                yield f"the default sound has {hz:.0f} Hz, not {default_hz}"

    return check


def subtitles(count: int, *, languages: Sequence[str] = ()) -> Check:
    """Expect this number of text subtitles in the web copy or as renditions of their own."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is None:
            return
        found = seen.web.streams("subtitle")
        files = [name for name in seen.renditions if name.startswith("subtitles")]
        if max(len(found), len(files)) < count:
            yield f"{len(found)} subtitles in it and {len(files)} as files, of {count}"
        languages_found = [str(stream.get("tags", {}).get("language", "und")) for stream in found]
        if len(found) >= count and (
            missing := [lang for lang in languages if lang not in languages_found]
        ):
            yield f"no subtitle in {', '.join(missing)}"

    return check


def chapters(count: int) -> Check:
    """Expect this number of chapters in the web copy."""

    def check(seen: Seen) -> Iterator[str]:
        found = len(seen.web.facts.get("chapters", ())) if seen.web else 0
        if found != count:
            yield f"{found} of {count} chapters"

    return check


def tags(**wanted: str) -> Check:
    """Expect these tags in the web copy (a part of the value is enough)."""

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
    """Expect that an HDR film is tone mapped: its greys are no paler than in a right conversion."""

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
    """Expect that few frames have two fields in one."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is not None and seen.web.frames.count and seen.web.fields > share:
            yield f"{seen.web.fields:.0%} of the frames are combed"

    return check


def sound_only() -> Check:
    """Expect a sound that Chromium plays, with its beeps in time: the web copy or a rendition."""

    def check(seen: Seen) -> Iterator[str]:
        played = {
            name: measured
            for name, measured in (seen.played or {}).items()
            if "error" not in measured
        }
        if not played:
            yield "no browser plays it, and there is no rendition that one plays"
            return
        if all(measured["rms"] < 0.005 for measured in played.values()):
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
