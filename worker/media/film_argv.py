"""Command lines of ffmpeg that make the web copy of a film, as data, by the rules of ``argv``."""

from dataclasses import dataclass
from typing import Final

from tusd_py.worker.media.argv import input_argv
from tusd_py.worker.media.encoders import Encoder
from tusd_py.worker.media.pictures import Picture, swscale_matrix
from tusd_py.worker.media.plan import Copy, Encode, TagChanges
from tusd_py.worker.media.sounds import Sound

SOFTWARE: Final = Encoder()
PNG_DEMUXER: Final = "png_pipe"
MUXERS: Final = {"mp4": "mp4", "webm": "webm"}
_START: Final = ("-nostdin", "-hide_banner", "-v", "level+error", "-y")
_PROGRESS: Final = (
    "-max_muxing_queue_size", "4096", "-progress", "pipe:1", "-nostats", "-stats_period", "0.5",
)  # fmt: skip
_CONTAINERS_OWN: Final = ("major_brand", "minor_version", "compatible_brands", "encoder")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """Names a PNG with transparency that is drawn over each frame."""

    path: str
    """Path of the PNG as ffmpeg sees it."""
    x: int
    """Distance of its corner from the left, in pixels."""
    y: int
    """Distance of its corner from the top, in pixels."""


def encode_argv(
    ffmpeg: str,
    plan: Encode,
    *,
    source: str,
    output: str,
    demuxer: str,
    max_pixels: int,
    threads: int,
    mark: Mark | None = None,
    encoder: Encoder = SOFTWARE,
) -> list[str]:
    """Return the command line that makes an MP4 with H.264 and AAC (requirement S16).

    It writes progress to stdout.
    """
    picture = plan.picture
    streams = [*(one.index for one in plan.sounds), *plan.subtitles]
    return [
        ffmpeg, *_START, *encoder.opening(), "-max_pixels", str(max_pixels),
        "-threads", str(threads),
        *input_argv(source, demuxer), *_shown(picture, mark, encoder), *_taken(streams),
        *encoder.encoding(picture, quality=plan.crf, preset=plan.preset),
        "-color_range", picture.colour.range, "-colorspace", picture.colour.space,
        "-color_trc", picture.colour.transfer, "-color_primaries", picture.colour.primaries,
        *_timestamps(plan),
        "-threads", str(threads), "-filter_threads", "1",
        *[part for number, sound in enumerate(plan.sounds) for part in _sound(number, sound)],
        *_mp4(plan.tags), "-c:s", "mov_text", *_PROGRESS, "-f", "mp4", f"file:{output}",
    ]  # fmt: skip


def copy_argv(
    ffmpeg: str, plan: Copy, picture: int, *, source: str, output: str, demuxer: str
) -> list[str]:
    """Return the command line that copies the streams into a file that plays while it loads."""
    container = _mp4(plan.tags) if plan.container == "mp4" else _tags(plan.tags)
    return [
        ffmpeg, *_START, *input_argv(source, demuxer),
        *_taken([picture, *plan.sounds, *plan.subtitles]),
        "-c", "copy", *(("-c:s", "mov_text") if plan.container == "mp4" else ()),
        *container, *_PROGRESS, "-f", MUXERS[plan.container], f"file:{output}",
    ]  # fmt: skip


def _shown(picture: Picture, mark: Mark | None, encoder: Encoder) -> list[str]:
    """Return the options that make the picture the first stream of the output."""
    filters = ",".join(picture.filters)
    if mark is None:
        return ["-map", f"0:{picture.index}", "-vf", ",".join((filters, *encoder.uploading()))]
    drawn = ",".join((f"overlay={mark.x}:{mark.y}:format=yuv420", *encoder.uploading()))
    matrix = swscale_matrix(picture.colour.space)
    # The PNG's only frame is repeated. Without the matrix its colours would be those of BT.601.
    graph = (
        f"[0:{picture.index}]{filters}[film];"
        f"[1:0]scale=out_color_matrix={matrix}:out_range=limited,format=yuva420p[mark];"
        f"[film][mark]{drawn}[shown]"
    )
    return [*input_argv(mark.path, PNG_DEMUXER), "-filter_complex", graph, "-map", "[shown]"]


def _taken(indexes: list[int]) -> list[str]:
    """Return the options that select only these streams of the source."""
    return [part for index in indexes for part in ("-map", f"0:{index}")] + ["-dn"]


def _timestamps(plan: Encode) -> tuple[str, ...]:
    base = plan.picture.time_base
    if base is None:
        return ()
    return ("-fps_mode", "passthrough", "-enc_time_base", f"{base.numerator}:{base.denominator}")


def _sound(number: int, sound: Sound) -> list[str]:
    given = [f"-disposition:a:{number}", sound.disposition]
    if sound.is_copied:
        return [f"-c:a:{number}", "copy", *given]
    given += [f"-c:a:{number}", "aac", f"-b:a:{number}", str(sound.bit_rate)]
    given += [f"-filter:a:{number}", sound.filters] if sound.filters else []
    return given + ([f"-ar:a:{number}", str(sound.sample_rate)] if sound.sample_rate else [])


def _mp4(tags: TagChanges) -> list[str]:
    flags = "+faststart" + ("+use_metadata_tags" if tags.needs_free_names else "")
    return [*_tags(tags), "-movflags", flags]


def _tags(tags: TagChanges) -> list[str]:
    """Return the options for tags and chapters. A name without a value removes the tag.

    Chapters are always kept.
    """
    if tags.strips_all:
        recorded = ["-metadata", f"creation_time={tags.recorded}"] if tags.recorded else []
        return ["-map_metadata", "-1", "-map_chapters", "0", *recorded]
    removed = (*_CONTAINERS_OWN, *tags.removed)
    # Without the mapping ffmpeg leaves out creation_time.
    return ["-map_metadata", "0"] + [part for name in removed for part in ("-metadata", f"{name}=")]
