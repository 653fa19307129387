"""Decides whether a copy of a sound carries all that its source has, so that it can replace it.

Only a copy whose tracks were not encoded again can carry all. In doubt something counts as lost.
"""

from collections import Counter
from typing import Final

from tusd_py.worker.media.contents import Contents
from tusd_py.worker.media.inventory import MetadataPolicy, content_tags, is_location
from tusd_py.worker.media.isobmff import Layout
from tusd_py.worker.media.sound_analysis import tolerance
from tusd_py.worker.media.sound_choice import tracks_of

LISTED: Final = frozenset({"mov", "matroska", "ogg", "flac", "mp3", "aac"})
"""Demuxers that report all of a file. In WAV, CAF and others ffprobe does not name all chunks."""


def may_hold_more(demuxer: str, layout: Layout | None) -> bool:
    """Return whether a file may hold something that no inventory names.

    Args: layout: that of an MP4 or MOV file.
    """
    return demuxer not in LISTED or (layout is not None and layout.has_unknown)


def carries_all(source: Contents, made: Contents, policy: MetadataPolicy) -> bool:
    """Return whether ``made``, whose tracks were copied, has all that ``source`` has.

    Tags that the policy removes do not count as lost.
    """
    return (
        source.is_complete
        and made.is_complete
        and _tracks(source) == _tracks(made)
        and _lengths_agree(source, made)
        and _others(source) == _others(made)
        and [one.title for one in source.chapters] == [one.title for one in made.chapters]
        and not _lost_tags(source, made, policy)
    )


def _tracks(contents: Contents) -> list[tuple[object, ...]]:
    return [(one.codec, one.channels, one.sample_rate, one.language) for one in tracks_of(contents)]


def _lengths_agree(source: Contents, made: Contents) -> bool:
    pairs = zip(tracks_of(source), tracks_of(made), strict=True)
    return all(
        one.duration is None
        or (other.duration or made.duration or 0.0) >= one.duration - tolerance(one.duration)
        for one, other in pairs
    )


def _others(contents: Contents) -> Counter[tuple[str, str]]:
    """Count the streams that are neither sound nor the text of chapters."""
    return Counter(
        (one.kind, one.codec)
        for one in contents.streams
        if one.kind != "audio" and not (one.codec_tag == "text" and contents.chapters)
    )


def _lost_tags(source: Contents, made: Contents, policy: MetadataPolicy) -> bool:
    if policy == "strip_all":
        return False
    kept = set(content_tags(made.tags).values())
    for stream in made.streams:
        kept |= set(content_tags(stream.tags).values())
    described = [content_tags(source.tags), *(content_tags(one.tags) for one in source.streams)]
    return any(
        value not in kept and not (policy == "strip_location" and is_location(name))
        for tags in described
        for name, value in tags.items()
    )
