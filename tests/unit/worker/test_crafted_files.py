"""Tests files that were made to stop a worker: values of their headers are limited before use."""

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tusd_py.clock import SystemClock
from worker.film_renditions.webvtt import read
from worker.media.causes import Blame, Cause, Circumstances, ToolFailed, cause_of_exit
from worker.media.checked_run import checked_run
from worker.media.choose import choose
from worker.media.contents import MAX_SHOWN_TRACKS, Contents, Stream
from worker.media.ffprobe_report import read_ffprobe
from worker.media.film_facts import film_facts
from worker.media.isobmff import MAX_BOXES, read_layout
from worker.media.run import ProcessResult
from worker.media.sandbox import Limits, Sandbox
from worker.media.sound_facts import sound_facts
from worker.media.sound_plan import Wishes, encoding


def first_stream(**values: object) -> Stream:
    found = read_ffprobe(json.dumps({"streams": [{"codec_type": "audio", **values}]}))
    assert found is not None
    return found.streams[0]


def checked(*argv: str) -> ProcessResult:
    limits = Limits(memory=1 << 30, file_size=1 << 20, cpu=10)
    box = Sandbox(kind="off", source=Path("/dev/null"), output=None, limits=limits)
    return checked_run(box, list(argv), clock=SystemClock(), stopped=lambda: False)


def test_a_command_line_that_a_file_makes_too_long_is_the_files_fault() -> None:
    """No repair of the deployment helps: the job would wait for ever."""
    with pytest.raises(ToolFailed) as failed:
        checked("true", "x" * (1 << 20))
    assert failed.value.cause.blame is Blame.FILE
    stderr = "prlimit: failed to execute ffmpeg: Argument list too long"
    ran = ProcessResult(code=126, stdout="", stderr=stderr, errors=0)
    cause = cause_of_exit(ran, Circumstances(free_disk=1 << 40))
    assert cause is Cause.UNSUPPORTED


@pytest.mark.parametrize("channels", [513, 65_535, 999_999_999_999])
def test_more_channels_than_any_decoder_has_are_none(channels: int) -> None:
    assert first_stream(channels=channels).channels == 0
    assert first_stream(channels=512).channels == 512


@pytest.mark.parametrize("channels", [9, 512])
def test_a_filter_for_many_channels_fits_into_a_command_line(channels: int) -> None:
    (track,) = encoding((first_stream(channels=channels),), Wishes(), copies=False)
    assert len(track.mix) < 4096


def test_no_tag_ends_a_word_of_a_command_line() -> None:
    tags = first_stream(tags={"a\0b": "c", "language": "fr\0a", "title": "x\0"}).tags
    assert dict(tags) == {"language": "fra", "title": "x"}


def test_facts_of_very_many_tracks_are_bounded() -> None:
    picture = Stream(index=0, kind="video", codec="h264", width=64, height=64, duration=1.0)
    tags = {"language": "a" * 100_000}
    sound = Stream(index=1, kind="audio", codec="aac", channels=2, tags=tags)
    text = Stream(index=2, kind="subtitle", codec="subrip", tags=tags)
    others = [replace(one, index=number) for number in range(1, 500) for one in (sound, text)]
    contents = Contents(duration=1.0, streams=(picture, *others))
    chosen = choose(contents)
    assert chosen is not None
    facts: dict[str, Any] = film_facts(contents, chosen)
    assert (len(facts["audio"]), len(facts["subtitles"])) == (MAX_SHOWN_TRACKS, MAX_SHOWN_TRACKS)
    assert facts["subtitles"][0] == facts["audio"][0]["language"] == "und"
    assert len(json.dumps(facts)) < 32 << 10
    sounds: dict[str, Any] = sound_facts(contents, chosen.sounds, None)
    assert len(sounds["audio"]) == MAX_SHOWN_TRACKS
    assert len(json.dumps(sounds)) < 32 << 10


def test_a_cue_of_very_many_lines_is_read_once() -> None:
    """The cue was copied at each line, which took hours for one of 8 MiB."""
    lines = 1 << 18
    content = b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"ab\n\n" * lines
    (cue,) = read(content)
    assert len(cue.text) == 3 * lines - 1


def test_the_number_of_boxes_that_are_read_is_limited(tmp_path: Path) -> None:
    """A file may be full of boxes of eight bytes, at any level."""
    path = tmp_path / "film"
    empty = struct.pack(">I4s", 8, b"free")
    for number, is_known in ((MAX_BOXES // 2, True), (MAX_BOXES + 1, False)):
        for name in (b"moov", b"trak"):
            content = empty * number
            for around in (name, *((b"moov",) if name != b"moov" else ())):
                content = struct.pack(">I4s", 8 + len(content), around) + content
            path.write_bytes(content)
            assert read_layout(path).has_unknown is not is_known
