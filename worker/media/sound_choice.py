"""Decides whether a file is a sound, and which of its streams are tracks and cover."""

from typing import Final

from tusd_py.worker.media.choose import STILL_CODECS, is_still
from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.inventory import LOSSLESS_SOUND

_SECONDARY: Final = frozenset({"comment", "dub", "hearing_impaired", "visual_impaired"})


def is_sound(contents: Contents, family: str) -> bool:
    """Return whether a file has sound and no film, whatever its container is.

    Args: family: family of the file's type. The pictures of an audio file's chapters are no film.
    """
    pictures = [one for one in contents.of_kind("video") if not is_still(one)]
    if family == "audio":
        pictures = [one for one in pictures if one.codec not in STILL_CODECS]
    return not pictures and bool(tracks_of(contents))


def tracks_of(contents: Contents) -> tuple[Stream, ...]:
    """Return the sound tracks that have samples; the first is the one that players begin with."""
    tracks = [one for one in contents.of_kind("audio") if one.frames != 0]
    return tuple(
        sorted(
            tracks,
            key=lambda one: (
                "default" not in one.disposition,
                bool(one.disposition & _SECONDARY),
                one.index,
            ),
        )
    )


def cover_of(contents: Contents) -> Stream | None:
    """Return the cover: a picture that is marked as one, or else the first picture."""
    covers = contents.covers or tuple(one for one in contents.of_kind("video") if is_still(one))
    return covers[0] if covers else None


def is_lossless(stream: Stream) -> bool:
    """Return whether a track is exactly what was recorded; A-law and mu-law are not."""
    if stream.codec in ("pcm_alaw", "pcm_mulaw"):
        return False
    is_master = stream.codec == "dts" and "MA" in stream.profile
    return is_master or stream.codec in LOSSLESS_SOUND or stream.codec.startswith(("pcm_", "dsd_"))
