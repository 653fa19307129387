"""Tests which cues are read from a WebVTT file of ffmpeg, and that only cues are written."""

import pytest

from tusd_py.worker.film_renditions.webvtt import Cue, read, timestamp, write

HEAD = "WEBVTT\n\n"
ONE = "00:01.000 --> 00:02.000\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("two\nlines", "two\nlines"),
        ("<b>bold</b> <i>it</i> <u>under</u>", "<b>bold</b> <i>it</i> <u>under</u>"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("<img src=x onerror=alert(1)>hello", "hello"),
        ("<b onclick=x>hello", "hello"),
        ("<c.red>red</c> <v Anna>says", "red says"),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("1 &lt; 2 &amp; 3", "1 &lt; 2 &amp; 3"),
        ("&lt;script&gt;", "&lt;script&gt;"),
        ("a\x00b\x1bc", "abc"),
        ("一二三 émoji 🎬", "一二三 émoji 🎬"),
        ("first\n\nsecond", "first\nsecond"),
        ("first\n\n\nlast --> line", "first\nlast --&gt; line"),
    ],
)
def test_a_cue_is_plain_text(text: str, expected: str) -> None:
    assert read(f"{HEAD}{ONE}{text}\n".encode()) == (Cue("00:01.000", "00:02.000", expected),)


def test_styles_notes_places_and_empty_cues_are_left_out() -> None:
    content = (
        "\ufeffWEBVTT - made by\r\n\r\nSTYLE\r\n::cue { background: url(http://x/) }\r\n\r\n"
        "REGION\r\nid:x\r\n\r\nNOTE text\r\n\r\n"
        "7\r\n01:00:01.000 --> 01:00:02.500 line:0 align:start\r\nHi\r\n\r\n"
        "00:03.000 --> 00:04.000\r\n \r\n"
    )
    assert read(content.encode()) == (Cue("01:00:01.000", "01:00:02.500", "Hi"),)


@pytest.mark.parametrize(
    "content", [b"", b"WEBVTTX\n", b"<html>", b"\xff\xfeW\0E\0B\0", HEAD.encode() + b"\xff"]
)
def test_a_file_that_is_no_webvtt_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"WebVTT|utf-8"):
        read(content)


def test_what_is_written_is_read_again() -> None:
    cues = (Cue(timestamp(0), timestamp(1.5), "a\nb"), Cue(timestamp(3661.2), "99:59:59.999", "c"))
    assert write(cues).startswith(
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\na\nb\n\n01:01:01.200 --> "
    )
    assert read(write(cues).encode()) == cues
    assert read(write(()).encode()) == ()


def test_a_cue_of_very_many_lines_is_read_once() -> None:
    """The cue was copied at each line, which took hours for one of 8 MiB."""
    lines = 1 << 18
    content = b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"ab\n\n" * lines
    (cue,) = read(content)
    assert len(cue.text) == 3 * lines - 1
