"""Makes HTTP Live Streaming (RFC 8216) of films: a ladder of sizes.

Each size is one MP4 file whose segments are byte ranges. ffmpeg's own playlist is parsed strictly
and written again: each address in it is a rendition of the same upload, relative to the
playlist's own address.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tusd_py.worker.film_renditions.film import Film, shown_size
from tusd_py.worker.film_renditions.poster import START_OPTIONS
from tusd_py.worker.film_renditions.workshop import RenditionCommand, RenditionFailed, Workshop
from tusd_py.worker.media.argv import input_argv
from tusd_py.worker.media.budget import estimated_cpu
from tusd_py.worker.media.contents import Stream
from tusd_py.worker.media.levels import fastest
from tusd_py.worker.media.pictures import Picture, plan_picture
from tusd_py.worker.media.probe import Probed

NAME: Final = "hls"
MEDIA_TYPE: Final = "application/vnd.apple.mpegurl"
EXT: Final = ".m3u8"
SEGMENT_SECONDS: Final = 6
"""Segment length recommended by Apple (HLS Authoring Specification for Apple Devices, 7.5)."""
STEREO_BIT_RATE: Final = "128k"
DECODING_SHARE: Final = 0.25
"""Cost of decoding a film, as a share of the cost of encoding it in its own size."""
MAX_SEGMENTS: Final = 100_000
_SEGMENT: Final = re.compile(
    r"#EXTINF:([0-9]{1,4}\.[0-9]{1,9}),\n#EXT-X-BYTERANGE:([0-9]{1,12})@([0-9]{1,15})\n[^\n]{1,300}\n"
)
_MAP: Final = re.compile(r'#EXT-X-MAP:URI="[^"\n]{1,300}",BYTERANGE="([0-9]{1,9})@0"\n')


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """Describes one size of the ladder, in pixels."""

    lines: int
    """Length of the shorter side, which names the size."""
    width: int
    height: int

    @property
    def name(self) -> str:
        """Return the name of the playlist."""
        return f"{NAME}-{self.lines}p"

    @property
    def media_name(self) -> str:
        """Return the name of the MP4 file."""
        return f"{self.name}-media"


@dataclass(frozen=True, slots=True)
class Segment:
    """Describes a segment: its duration in seconds, and its length and offset in bytes."""

    duration: float
    length: int
    offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Describes a size that was made."""

    rung: Rung
    playlist: Path
    media: Path
    line: str
    """The variant's line in the master playlist."""


def plan_ladder(picture: Stream, lines: Sequence[int]) -> tuple[Rung, ...]:
    """Return the sizes to make, the smallest first, none of them larger than the film.

    A film that is smaller than all of them gets its own size.
    """
    width, height = shown_size(picture, 1 << 14)
    shorter = min(width, height)
    wanted = sorted({one for one in lines if one <= shorter}) or [shorter]
    return tuple(
        Rung(lines=one, width=_even(width * one / shorter), height=_even(height * one / shorter))
        for one in wanted
    )


def ladder_cpu(film: Probed, rungs: Sequence[Rung], preset: str) -> float:
    """Return the seconds of processor time that all sizes take; 0 if the frame count is unknown.

    Each size decodes the film separately.
    """
    own = estimated_cpu(film, preset) or 0.0
    pixels = max(1, film.width * film.height)
    return sum(own * (DECODING_SHARE + one.width * one.height / pixels) for one in rungs)


def _even(pixels: float) -> int:
    return max(2, int(pixels + 1e-6) // 2 * 2)


def rung_argv(
    source: str,
    playlist: str,
    media: str,
    *,
    ffmpeg: str,
    film: Film,
    picture: Picture,
    preset: str,
    crf: int,
    max_pixels: int,
    threads: int,
) -> list[str]:
    """Return the command line that makes one size.

    It writes H.264 with a key frame at the start of each segment, and the sound track that a player
    begins with as stereo AAC.
    """
    sound = film.chosen.main_sound
    base = picture.time_base
    times = () if base is None else (
        "-fps_mode", "passthrough", "-enc_time_base", f"{base.numerator}:{base.denominator}",
    )  # fmt: skip
    track = () if sound is None else ("-map", f"0:{sound.index}", *_sound(sound))
    return [
        ffmpeg, *START_OPTIONS, "-max_pixels", str(max_pixels), "-threads", str(threads),
        *input_argv(source, film.demuxer), "-map", f"0:{film.picture.index}", *track,
        "-map_metadata", "-1", "-map_chapters", "-1",
        "-c:v", "libx264", "-preset", preset, "-crf", str(crf), "-profile:v", "high",
        "-pix_fmt", "yuv420p", "-vf", ",".join((*picture.filters, "setsar=1")),
        "-color_range", picture.colour.range, "-colorspace", picture.colour.space,
        "-color_trc", picture.colour.transfer, "-color_primaries", picture.colour.primaries,
        "-force_key_frames", f"expr:gte(t,n_forced*{SEGMENT_SECONDS})", "-sc_threshold", "0",
        "-g", str(math.ceil(picture.rate * SEGMENT_SECONDS)),
        "-x264-params", f"fps={picture.rate.numerator}/{picture.rate.denominator}", *times,
        "-threads", str(threads), "-filter_threads", "1",
        "-max_muxing_queue_size", "4096", "-progress", "pipe:1", "-nostats", "-stats_period", "0.5",
        "-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod",
        "-hls_list_size", "0", "-hls_segment_type", "fmp4", "-hls_flags", "single_file",
        "-hls_segment_filename", f"file:{media}", f"file:{playlist}",
    ]  # fmt: skip


def _sound(sound: Stream) -> tuple[str, ...]:
    if sound.codec == "aac" and sound.channels <= 2:
        return ("-c:a", "copy")
    return ("-c:a", "aac", "-b:a", STEREO_BIT_RATE, "-ac", "2", "-ar", "48000")


def read_segments(text: str, size: int) -> tuple[int, tuple[Segment, ...]]:
    """Read ffmpeg's playlist; return the length of the part before the segments, and the segments.

    Args: size: size of the media file in bytes, which the parts must fill without a gap.
    Raises: ValueError: the text is no such playlist.
    """
    header = _MAP.search(text)
    if header is None:
        raise ValueError("no map")
    found = [Segment(float(one[1]), int(one[2]), int(one[3])) for one in _SEGMENT.finditer(text)][
        : MAX_SEGMENTS + 1
    ]
    end = int(header[1])
    for segment in found:
        if segment.offset != end or segment.length <= 0 or segment.duration <= 0:
            raise ValueError("a gap")
        end += segment.length
    if not found or len(found) > MAX_SEGMENTS or end > size:
        raise ValueError("other segments than the file has")
    return int(header[1]), tuple(found)


def media_playlist(rung: Rung, header: int, segments: Sequence[Segment]) -> str:
    """Return the playlist of one size (RFC 8216, 4.3.3)."""
    address = f"?rendition={rung.media_name}"
    longest = max(math.ceil(one.duration) for one in segments)
    lines = [
        "#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{longest}",
        "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{address}",BYTERANGE="{header}@0"',
    ]  # fmt: skip
    for one in segments:
        lines += [
            f"#EXTINF:{one.duration:.6f},",
            f"#EXT-X-BYTERANGE:{one.length}@{one.offset}",
            address,
        ]
    return "\n".join((*lines, "#EXT-X-ENDLIST", ""))


def variant_line(
    rung: Rung, segments: Sequence[Segment], picture: Stream, *, has_sound: bool
) -> str:
    """Return the line of one size in the master playlist (RFC 8216, 4.3.4.2).

    Its rates are in bits per second.
    """
    peak = max(8 * one.length / max(one.duration, 1.0) for one in segments)
    mean = 8 * sum(one.length for one in segments) / sum(one.duration for one in segments)
    codecs = f"avc1.6400{picture.level or 40:02x}" + (",mp4a.40.2" if has_sound else "")
    rate = f",FRAME-RATE={float(picture.average_rate):.3f}" if picture.average_rate else ""
    return (
        f"#EXT-X-STREAM-INF:BANDWIDTH={math.ceil(max(peak, mean))}"
        f",AVERAGE-BANDWIDTH={math.ceil(mean)}"
        f',CODECS="{codecs}",RESOLUTION={rung.width}x{rung.height}{rate}'
    )


def master_playlist(variants: Sequence[Variant]) -> str:
    """Return the playlist that names all sizes, the smallest first."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for one in variants:
        lines += [one.line, f"?rendition={one.rung.name}"]
    return "\n".join((*lines, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Makes the sizes of one film."""

    workshop: Workshop
    film: Film
    preset: str
    crf: int
    max_pixels: int
    largest: int
    """Most bytes of one size."""

    def make(self, rung: Rung, moved: Callable[[float], None]) -> Variant:
        """Make one size.

        Args: moved: called with the position in seconds.
        Raises: RenditionFailed, Stopped.
        """
        film, workshop = self.film, self.workshop
        size = rung.width, rung.height
        pixels = film.picture.width * film.picture.height
        order = RenditionCommand(
            source=film.path,
            argv=partial(
                rung_argv,
                ffmpeg=workshop.tools.ffmpeg or "",
                film=film,
                picture=plan_picture(
                    film.picture, max_size=size, max_rate=fastest(*size, "5.2", max_rate=0)
                ),
                preset=self.preset,
                crf=self.crf,
                max_pixels=self.max_pixels,
                threads=workshop.share(pixels).threads,
            ),
            names=(f"{rung.name}.ffmpeg", f"{rung.media_name}.mp4"),
            largest=self.largest,
            pixels=pixels,
            moved=moved,
        )
        written, media = workshop.make(order)
        try:
            if written.stat().st_size > 200 * MAX_SEGMENTS:
                raise RenditionFailed("the playlist is too long")
            header, segments = read_segments(written.read_text("ascii"), media.stat().st_size)
        except ValueError as error:
            raise RenditionFailed(f"the playlist has {error}") from error
        finally:
            written.unlink()
        made = workshop.look(media, "mov")
        pictures = made.of_kind("video")
        if [(one.codec, one.width, one.height) for one in pictures] != [("h264", *size)]:
            raise RenditionFailed("it is not of the right size")
        total = sum(one.duration for one in segments)
        if film.duration and abs(total - film.duration) > max(1.0, film.duration * 0.02):
            raise RenditionFailed("it is not as long as the film")
        playlist = workshop.folder / f"{rung.name}{EXT}"
        playlist.write_text(media_playlist(rung, header, segments), "ascii")
        line = variant_line(rung, segments, pictures[0], has_sound=bool(made.of_kind("audio")))
        return Variant(rung=rung, playlist=playlist, media=media, line=line)
