"""Collects the facts of a film that users, hooks and the page receive."""

from tusd_py.worker.media.choose import Chosen
from tusd_py.worker.media.contents import MAX_SHOWN_TRACKS, Contents, Stream
from tusd_py.worker.media.inventory import is_location

SHOWN_RATE_DIGITS = 3


def film_facts(contents: Contents, chosen: Chosen) -> dict[str, object]:
    """Return a film's facts as JSON values; those that the file does not state are left out.

    The place where a film was taken is never one of them.
    """
    picture = chosen.picture
    turned = picture.rotation is not None and round(picture.rotation) % 180 == 90
    width, height = (picture.height, picture.width) if turned else (picture.width, picture.height)
    tags = {
        name.rpartition(".")[2]: value
        for name, value in contents.shown_tags().items()
        if not is_location(name)
    }
    facts: dict[str, object] = {
        **length_facts(picture, contents),
        "width": width or None,
        "height": height or None,
        "rotation": round(picture.rotation) % 360 if picture.rotation is not None else None,
        "video_codec": picture.codec or None,
        "audio": [_sound_facts(one) for one in chosen.sounds[:MAX_SHOWN_TRACKS]],
        "subtitles": [
            one.shown_language for one in contents.of_kind("subtitle")[:MAX_SHOWN_TRACKS]
        ],
        "chapters": len(contents.chapters) or None,
        "dynamic_range": _dynamic_range(picture),
        "recorded": tags.get("creationdate") or tags.get("creation_time"),
        "title": tags.get("title"),
        "make": tags.get("make"),
        "model": tags.get("model"),
    }
    return {name: value for name, value in facts.items() if value not in (None, [])}


def length_facts(picture: Stream, contents: Contents) -> dict[str, object]:
    """Return the facts that follow from a film's length (seconds); None for unknown ones."""
    return {
        "duration": _rounded(picture.duration or contents.duration),
        "frame_rate": _rounded(float(picture.average_rate)) if picture.average_rate else None,
    }


def _sound_facts(stream: Stream) -> dict[str, object]:
    return {
        "codec": stream.codec,
        "channels": stream.channels,
        "language": stream.shown_language,
    }


def _rounded(value: float | None) -> float | None:
    return round(value, SHOWN_RATE_DIGITS) if value is not None else None


def _dynamic_range(picture: Stream) -> str:
    if picture.dolby_vision is not None:
        return "dolby-vision"
    return {"smpte2084": "hdr10", "arib-std-b67": "hlg"}.get(picture.colour.transfer, "sdr")
