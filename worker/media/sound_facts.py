"""What users, hooks and the page get to know of a sound."""

from collections.abc import Mapping, Sequence
from typing import Final

from worker.media.contents import MAX_SHOWN_CHARACTERS, MAX_SHOWN_TRACKS, Contents, Stream
from worker.media.sound_choice import cover_of
from worker.media.sound_hearing import SoundAnalysis, tolerance

_SHOWN: Final = (
    "title",
    "artist",
    "album",
    "album_artist",
    "track",
    "disc",
    "genre",
    "date",
    "composer",
)


def sound_facts(
    contents: Contents, tracks: Sequence[Stream], heard: SoundAnalysis | None
) -> dict[str, object]:
    """Return a sound's facts as JSON values; what the file does not say is left out.

    The place where it was recorded is not among them. Duration in seconds, rates in hertz or bits per second.
    """
    cover = cover_of(contents)
    facts: dict[str, object] = {
        "duration": _duration(contents, tracks[0], heard),
        "bit_rate": contents.bit_rate,
        "audio": [_track_facts(one) for one in tracks[:MAX_SHOWN_TRACKS]],
        "chapters": len(contents.chapters),
        "cover": {"width": cover.width, "height": cover.height} if cover and cover.width else None,
        "loudness": heard.loudness.facts() if heard and heard.loudness else None,
        **shown_tags(contents, tracks[0]),
    }
    return {name: value for name, value in facts.items() if value}


def shown_tags(contents: Contents, main: Stream) -> dict[str, str]:
    """Return the tags that name what is heard, each at most 200 characters; Ogg has them in its stream."""
    found: Mapping[str, str] = {**main.tags, **contents.tags}
    tags = {name: found[name][:MAX_SHOWN_CHARACTERS] for name in _SHOWN if found.get(name)}
    if "date" not in tags and contents.tags.get("creation_time"):
        tags["date"] = contents.tags["creation_time"][:MAX_SHOWN_CHARACTERS]
    return tags


def _duration(contents: Contents, main: Stream, heard: SoundAnalysis | None) -> float | None:
    """Return the header's word where decoding agrees with it: it is more precise."""
    stated = main.duration or contents.duration
    if heard is None:
        return stated
    agrees = stated is not None and abs(stated - heard.seconds) <= tolerance(stated)
    return round(stated if stated is not None and agrees else heard.seconds, 3)


def _track_facts(track: Stream) -> dict[str, object]:
    facts: dict[str, object] = {
        "codec": track.codec,
        "channels": track.channels,
        "layout": track.layout,
        "sample_rate": track.sample_rate,
        "bit_rate": track.bit_rate,
        "language": track.shown_language,
    }
    return {name: value for name, value in facts.items() if value}
