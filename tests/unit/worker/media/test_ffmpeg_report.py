"""Tests what is known of a file without ffprobe."""

from fractions import Fraction

from tusd_py.worker.media.ffmpeg_report import read_ffmpeg

TEXT = """Input #0, matroska,webm, from 'film.mkv':
  Metadata:
    title           :   Stream #0:9: Video: h264, yuv420p, 9999x9999
  Duration: 00:01:02.50, start: 0.000000, bitrate: 175 kb/s
  Stream #0:0(eng): Video: h264 (High), yuv420p(tv, bt709, progressive), 160x120 \
[SAR 1:1], 1k fps, 15 tbr (default)
  Stream #0:1[0x101](fra): Audio: aac (LC), 48000 Hz, stereo, fltp
  Stream #0:2: Video: mjpeg, yuvj420p(pc), 32x32, 90k tbr (attached pic)
At least one output file must be specified
"""


def test_without_ffprobe_the_contents_are_known_but_never_complete() -> None:
    found = read_ffmpeg(TEXT)
    assert found is not None
    film, sound, cover = found.streams
    assert (found.duration, found.is_complete) == (62.5, False)
    assert (film.width, film.height, film.pixel_format) == (160, 120, "yuv420p")
    assert (film.average_rate, film.language) == (Fraction(1000), "eng")
    assert (sound.sample_rate, sound.language) == (48000, "fra")
    assert found.covers == (cover,)
