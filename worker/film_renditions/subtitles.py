"""Converts the text subtitles of a film to WebVTT, which browsers show."""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tusd_py.worker.film_renditions.webvtt import Cue, read, write
from tusd_py.worker.film_renditions.workshop import RenditionCommand, RenditionFailed, Workshop
from tusd_py.worker.media.argv import input_argv
from tusd_py.worker.media.contents import MAX_SHOWN_CHARACTERS, UNKNOWN_LANGUAGE, Stream

log = logging.getLogger(__name__)

MAX_TRACKS: Final = 40
MAX_BYTES: Final = 8 << 20
"""Largest file of one track in bytes: ten times that of a film with continuous text."""
TOGETHER: Final = 8
"""Most tracks that one program writes: it reads the whole file once for all of them."""
LEAST_WALL_SECONDS: Final = 60.0
SLOWEST_READING: Final = 10 << 20
"""Assumed read speed in bytes per second: the whole file is read for its texts."""
_FLAGS: Final = ("default", "forced", "hearing_impaired", "comment")
_LANGUAGE: Final = re.compile(r"[a-z]{2,8}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """Describes a track of subtitles as a WebVTT file."""

    name: str
    """Name of the rendition."""
    path: Path
    facts: Mapping[str, object]


def subtitles_argv(
    source: str, *outputs: str, ffmpeg: str, demuxer: str, indexes: Sequence[int]
) -> list[str]:
    """Return the command line that writes each of the streams to its own output."""
    written = [
        part
        for index, output in zip(indexes, outputs, strict=True)
        for part in (
            "-map", f"0:{index}", "-map_metadata", "-1", "-c:s", "webvtt", "-f", "webvtt",
            f"file:{output}",
        )
    ]  # fmt: skip
    return [
        ffmpeg, "-nostdin", "-hide_banner", "-v", "level+error", "-y", "-threads", "1",
        *input_argv(source, demuxer), *written,
    ]  # fmt: skip


def make_subtitles(
    workshop: Workshop, source: Path, demuxer: str, tracks: Sequence[tuple[Stream, Stream]]
) -> Iterator[Track]:
    """Make a WebVTT file for each of the first ``MAX_TRACKS`` tracks that has any text.

    Args: tracks: for each track, the stream in the source, and the stream that describes it.
    Raises: Stopped.
    """
    number = 0
    if len(tracks) > MAX_TRACKS:
        log.warning("media.rendition.not_made", extra={"reason": f"{len(tracks)} tracks of text"})
    for first in range(0, min(len(tracks), MAX_TRACKS), TOGETHER):
        together = tracks[first : min(first + TOGETHER, MAX_TRACKS)]
        files = _converted(workshop, source, demuxer, [read.index for read, _ in together])
        for (_, described), path in zip(together, files, strict=True):
            number += 1
            cues = _cues(path) if path is not None else ()
            if cues:
                yield _written(workshop.folder, described, number, cues)


def _converted(
    workshop: Workshop, source: Path, demuxer: str, indexes: Sequence[int]
) -> Iterator[Path | None]:
    """Yield a file for each of the streams, or None if it can't be made. Raises: Stopped."""
    order = RenditionCommand(
        source=source,
        argv=partial(
            subtitles_argv,
            ffmpeg=workshop.tools.ffmpeg or "",
            demuxer=demuxer,
            indexes=indexes,
        ),
        names=tuple(f"subtitles-{index}.part" for index in indexes),
        largest=MAX_BYTES,
        wall=LEAST_WALL_SECONDS + source.stat().st_size / SLOWEST_READING,
    )
    try:
        yield from workshop.make(order)
    except RenditionFailed:
        if len(indexes) == 1:
            yield None
            return
        # One stream that can't be converted ends the program for all of them.
        for index in indexes:
            yield from _converted(workshop, source, demuxer, (index,))


def _cues(path: Path) -> tuple[Cue, ...]:
    try:
        return read(path.read_bytes())
    except ValueError:
        log.warning("media.rendition.not_made", extra={"reason": "it is no WebVTT"})
        return ()
    finally:
        path.unlink()


def _written(folder: Path, stream: Stream, number: int, cues: tuple[Cue, ...]) -> Track:
    found = stream.language
    language = found if _LANGUAGE.fullmatch(found) else UNKNOWN_LANGUAGE
    name = f"subtitles-{number}-{language}"
    path = folder / f"{name}.vtt"
    path.write_text(write(cues), encoding="utf-8")
    facts: dict[str, object] = {"language": language, "cues": len(cues)}
    if stream.title:
        facts["title"] = stream.title[:MAX_SHOWN_CHARACTERS]
    facts |= {flag: True for flag in _FLAGS if flag in stream.disposition}
    return Track(name=name, path=path, facts=facts)
