"""Command lines of ffmpeg and ffprobe, as data.

Rule 1: options that guard the input stand before ``-i``; behind it they are silently ignored.
Rule 2: the container is named (``-f``), never guessed, and only it is on the white list: a playlist
under a video's name would otherwise read the files beside it (protocol_whitelist alone does not
help). Rule 3: inputs are ``file:`` URLs: a name could be an option or another protocol otherwise.
Rule 4: the picture is ``V``, which passes covers over, as ``probe`` does: what is estimated is what runs.
"""

from worker.media.ffprobe_report import FACTS, NO_TAGS, TAGS


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


def measure_argv(ffprobe: str, source: str, demuxer: str, index: int, *, sizes: bool) -> list[str]:
    """Return the command line of ffprobe that writes a line for each packet of one stream, and with ``sizes``
    one for each of its key frames."""
    entries = "packet=pts_time,duration_time" + (":frame=width,height" if sizes else "")
    return [
        ffprobe, "-v", "error", "-hide_banner", "-of", "csv", "-skip_frame", "nokey",
        "-select_streams", str(index), "-show_entries", entries, *input_argv(source, demuxer),
    ]  # fmt: skip
