"""Collects the facts of a sound that users, hooks and the page receive."""

from collections.abc import Mapping, Sequence
from typing import Final

from tusd_py.worker.media.contents import MAX_SHOWN_CHARACTERS, MAX_SHOWN_TRACKS, Contents, Stream
from tusd_py.worker.media.sound_analysis import SoundAnalysis, tolerance
from tusd_py.worker.media.sound_choice import cover_of

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
    contents: Contents, tracks: Sequence[Stream], analysis: SoundAnalysis | None
) -> dict[str, object]:
    """Return a sound's facts as JSON values; those that the file does not state are left out.

    The place where it was recorded is never one of them. Duration in seconds, rates in hertz or
    bits per second.
    """
    cover = cover_of(contents)
    facts: dict[str, object] = {
        "duration": _duration(contents, tracks[0], analysis),
        "bit_rate": contents.bit_rate,
        "audio": [_track_facts(one) for one in tracks[:MAX_SHOWN_TRACKS]],
        "chapters": len(contents.chapters),
        "cover": {"width": cover.width, "height": cover.height} if cover and cover.width else None,
        "loudness": analysis.loudness.facts() if analysis and analysis.loudness else None,
        **shown_tags(contents, tracks[0]),
    }
    return {name: value for name, value in facts.items() if value}


def shown_tags(contents: Contents, main: Stream) -> dict[str, str]:
    """Return the tags that describe the sound, each at most 200 characters.

    Ogg has them in its stream.
    """
    found: Mapping[str, str] = {**main.tags, **contents.tags}
    tags = {name: found[name][:MAX_SHOWN_CHARACTERS] for name in _SHOWN if found.get(name)}
    if "date" not in tags and contents.tags.get("creation_time"):
        tags["date"] = contents.tags["creation_time"][:MAX_SHOWN_CHARACTERS]
    return tags


def _duration(contents: Contents, main: Stream, analysis: SoundAnalysis | None) -> float | None:
    """Return the duration of the header if decoding confirms it, since it is more precise."""
    stated = main.duration or contents.duration
    if analysis is None:
        return stated
    is_confirmed = stated is not None and abs(stated - analysis.seconds) <= tolerance(stated)
    return round(stated if stated is not None and is_confirmed else analysis.seconds, 3)


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
