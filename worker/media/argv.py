"""Command lines of ffmpeg and ffprobe, as data.

Rule 1: options that protect the input stand before ``-i``; after it they are silently ignored.
Rule 2: the container is named (``-f``), never guessed, and it alone is on the white list. Otherwise
a playlist with a video's name would read the files in its folder (protocol_whitelist alone does not
prevent it). Rule 3: inputs are ``file:`` URLs; otherwise a name could be an option or another
protocol. Rule 4: the picture is ``V``, which skips covers as ``probe`` does, so that the estimate
is made for the stream that is encoded.
"""

from tusd_py.worker.media.ffprobe_report import FACTS, NO_TAGS, TAGS


def input_argv(source: str, demuxer: str) -> list[str]:
    """Return the options that name the input and must stand before it."""
    return [
        "-protocol_whitelist", "file,pipe", "-format_whitelist", demuxer, "-f", demuxer,
        "-i", f"file:{source}",
    ]  # fmt: skip


def probe_argv(ffprobe: str, source: str, demuxer: str, *, tags: bool = False) -> list[str]:
    """Return the command line of ffprobe that writes ``FACTS`` as JSON, with all tags if wanted."""
    return [
        ffprobe, "-v", "error", "-hide_banner", "-of", "json=compact=1",
        "-show_entries", FACTS + (TAGS if tags else NO_TAGS), *input_argv(source, demuxer),
    ]  # fmt: skip


def describe_argv(ffmpeg: str, source: str, demuxer: str) -> list[str]:
    """Return the command line of ffmpeg that writes the same to stderr, for use without ffprobe."""
    return [ffmpeg, "-nostdin", "-hide_banner", *input_argv(source, demuxer)]


def duration_argv(ffmpeg: str, source: str, demuxer: str) -> list[str]:
    """Return the command line of ffmpeg that reads all packets to find the duration."""
    return [
        ffmpeg, "-nostdin", "-hide_banner", "-v", "error", *input_argv(source, demuxer),
        "-map", "0:V:0", "-c", "copy", "-progress", "pipe:1", "-nostats", "-f", "null", "-",
    ]  # fmt: skip


def measure_argv(ffprobe: str, source: str, demuxer: str, index: int, *, sizes: bool) -> list[str]:
    """Return the command line of ffprobe that writes a line for each packet of one stream.

    With ``sizes`` it also writes a line for each key frame.
    """
    entries = "packet=pts_time,duration_time" + (":frame=width,height" if sizes else "")
    return [
        ffprobe, "-v", "error", "-hide_banner", "-of", "csv", "-skip_frame", "nokey",
        "-select_streams", str(index), "-show_entries", entries, *input_argv(source, demuxer),
    ]  # fmt: skip
