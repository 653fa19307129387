"""Checks that the file that a program made is the whole film, which exit code 0 does not prove."""

from typing import Final

from tusd_py.domain.notes import Note
from tusd_py.worker.media.choose import Chosen, is_still
from tusd_py.worker.media.contents import Contents, Stream

MAX_ERRORS: Final = 20
"""Most error messages of ffmpeg for an undamaged film; with more, most frames are repairs."""
FRAMES_SHARE: Final = 0.97
"""Share of the frames that must be there; a few at the start of a recording may be undecodable."""
LENGTH_SHARE: Final = 0.02
LENGTH_SECONDS: Final = 0.5
SOUND_SECONDS: Final = 1.0
HIDDEN_FRAMES: Final = frozenset({"vp8", "vp9", "av1"})
"""Codecs whose packets may hold frames that are never shown."""


def objection(
    source: Contents, chosen: Chosen, made: Contents | None, *, errors: int, keeps_frames: bool
) -> Note | None:
    """Return the reason why the made file can't replace the source's film; None if it can.

    Each stream is compared with its own counterpart, since the length of a file is that of its
    longest stream, which may have been left out.
    Args: errors: number of ffmpeg's error messages. keeps_frames: every frame of the source must be
        kept.
    """
    if errors > MAX_ERRORS:
        return Note.DAMAGED
    pictures = [one for one in made.of_kind("video") if not is_still(one)] if made else []
    if made is None or len(pictures) != 1 or len(made.of_kind("audio")) < len(chosen.sounds):
        return Note.NOT_PLAYABLE
    if keeps_frames and _has_too_few_frames(chosen.picture, pictures[0], errors):
        return Note.DAMAGED
    wanted = _length(chosen.picture, source)
    is_whole = _has_all_frames(chosen.picture, pictures[0])
    is_as_long = not _has_other_length(wanted, pictures[0], made, may_be_longer=is_whole)
    return None if is_as_long and not _has_short_sound(chosen, made) else Note.NOT_AS_LONG


def _length(picture: Stream, source: Contents) -> float | None:
    if picture.duration is not None:
        return picture.duration
    # A picture without a length of its own is as long as the file only if it is the only stream.
    return source.duration if len(source.streams) == 1 else None


def _has_too_few_frames(source: Stream, made: Stream, errors: int) -> bool:
    if source.frames is None or made.frames is None:
        return False
    wanted = float(source.frames)
    if source.average_rate is not None and source.duration is not None:
        # An edit list may hide some of the frames that the index counts.
        wanted = min(wanted, source.duration * float(source.average_rate))
    if source.codec in HIDDEN_FRAMES and not errors:
        return made.frames < wanted / 2
    return made.frames < wanted * FRAMES_SHARE - 1


def states_another_length(source: Contents, chosen: Chosen, made: Contents) -> bool:
    """Return whether the source states another length than its film has, so may hold more of it."""
    wanted = _length(chosen.picture, source)
    pictures = [one for one in made.of_kind("video") if not is_still(one)]
    return any(_has_other_length(wanted, one, made, may_be_longer=False) for one in pictures)


def _has_all_frames(source: Stream, made: Stream) -> bool:
    """Return whether the output has as many frames as were counted in the source."""
    return bool(source.frames) and made.frames == source.frames


def _has_other_length(
    wanted: float | None, stream: Stream, made: Contents, *, may_be_longer: bool
) -> bool:
    """Return whether a stream's length differs from the wanted one.

    Args: may_be_longer: a file that was joined of several parts states the length of one of them.
    """
    found = stream.duration or made.duration
    if wanted is None:
        return False
    tolerance = max(LENGTH_SECONDS, wanted * LENGTH_SHARE)
    if found is None or found < wanted - tolerance:
        return True
    return found > wanted + tolerance and not may_be_longer


def _has_short_sound(chosen: Chosen, made: Contents) -> bool:
    """Return whether the longest sound of the source ends later than every sound that was made.

    Broadcasts state as the length of a sound only the end of the whole file.
    """
    wanted = max((one.duration or 0.0 for one in chosen.sounds), default=0.0)
    tracks = made.of_kind("audio")
    if not wanted or any(one.duration is None for one in tracks):
        return False
    found = max(((one.start or 0.0) + (one.duration or 0.0) for one in tracks), default=0.0)
    return found < wanted - max(SOUND_SECONDS, wanted * LENGTH_SHARE)
