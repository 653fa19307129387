"""Command lines of ffmpeg and ffprobe, as data.

Rule 1: options that guard the input stand before ``-i``; behind it they are silently ignored.
Rule 2: the container is named (``-f``), never guessed, and only it is on the white list: a playlist
under a video's name would otherwise read the files beside it (protocol_whitelist alone does not
help). Rule 3: inputs are ``file:`` URLs: a name could be an option or another protocol otherwise.
Rule 4: the picture is ``V``, which passes covers over, as ``probe`` does: what is estimated is what runs.
"""

from dataclasses import dataclass

from worker.media.ffprobe_report import FACTS, NO_TAGS, TAGS


@dataclass(frozen=True, slots=True, kw_only=True)
class TranscodePlan:
    """How one video is compressed. Paths as the program sees them, rates as ffmpeg writes them."""

    source: str
    output: str
    demuxer: str
    crf: int
    preset: str
    audio_bitrate: str
    max_pixels: int
    threads: int


def input_argv(source: str, demuxer: str) -> list[str]:
    """What must stand before and at the input."""
    return [
        "-protocol_whitelist", "file,pipe", "-format_whitelist", demuxer, "-f", demuxer,
        "-i", f"file:{source}",
    ]  # fmt: skip


def probe_argv(ffprobe: str, source: str, demuxer: str, *, tags: bool = False) -> list[str]:
    """Return the command line of ffprobe that writes ``FACTS`` as JSON, and all tags if they are wanted."""
    return [
        ffprobe, "-v", "error", "-hide_banner", "-of", "json=compact=1",
        "-show_entries", FACTS + (TAGS if tags else NO_TAGS), *input_argv(source, demuxer),
    ]  # fmt: skip


def describe_argv(ffmpeg: str, source: str, demuxer: str) -> list[str]:
    """ffmpeg, telling the same on stderr, where there is no ffprobe."""
    return [ffmpeg, "-nostdin", "-hide_banner", *input_argv(source, demuxer)]


def duration_argv(ffmpeg: str, source: str, demuxer: str) -> list[str]:
    """ffmpeg, reading all packets to find a duration that no header tells."""
    return [
        ffmpeg, "-nostdin", "-hide_banner", "-v", "error", *input_argv(source, demuxer),
        "-map", "0:V:0", "-c", "copy", "-progress", "pipe:1", "-nostats", "-f", "null", "-",
    ]  # fmt: skip


def transcode_argv(ffmpeg: str, plan: TranscodePlan) -> list[str]:
    """ffmpeg, making an MP4 with H.264 and AAC whose sizes are even; progress on stdout (S16)."""
    threads = str(plan.threads)
    return [
        ffmpeg, "-nostdin", "-hide_banner", "-v", "level+error", "-y",
        "-max_pixels", str(plan.max_pixels), "-threads", threads,
        *input_argv(plan.source, plan.demuxer),
        "-map", "0:V:0", "-map", "0:a:0?", "-sn", "-dn", "-map_metadata", "-1",
        "-map_chapters", "-1",
        "-c:v", "libx264", "-preset", plan.preset, "-crf", str(plan.crf), "-pix_fmt", "yuv420p",
        "-vf", "scale=trunc(iw/2)*2:trunc(ih/2)*2", "-threads", threads, "-filter_threads", "1",
        "-c:a", "aac", "-b:a", plan.audio_bitrate, "-movflags", "+faststart",
        "-max_muxing_queue_size", "1024", "-progress", "pipe:1", "-nostats",
        "-stats_period", "0.5", "-f", "mp4", f"file:{plan.output}",
    ]  # fmt: skip
