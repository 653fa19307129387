"""Text subtitles of films as WebVTT, from each container that carries them."""

from pathlib import Path

import pytest
from support.film_workshop import film_at, workshop_in
from support.media import make, video

from tusd_py.worker.film_renditions.subtitles import Track, make_subtitles
from tusd_py.worker.film_renditions.webvtt import read

SRT = (
    "1\n00:00:00,200 --> 00:00:00,900\n<i>Hello</i> & <script>x</script>\n\n"
    "2\n00:00:01,000 --> 00:00:01,500\n再见\n"
)


def tracks_of(folder: Path, source: Path) -> list[Track]:
    workshop = workshop_in(folder / "work")
    film = film_at(workshop, source)
    pairs = [(one, one) for one in film.chosen.subtitles]
    return list(make_subtitles(workshop, source, film.demuxer, pairs))


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mp4", "mov_text"), (".mkv", "subrip"), (".mkv", "ass"),
                          (".mkv", "webvtt")]
)  # fmt: skip
def test_each_kind_of_text_becomes_webvtt(tmp_path: Path, suffix: str, codec: str) -> None:
    film, text, source = tmp_path / "film.mp4", tmp_path / "a.srt", tmp_path / f"b{suffix}"
    video(film, seconds=1.6, crf=40, sound=False)
    text.write_text(SRT)
    inputs = ["-i", str(film), "-i", str(text), "-i", str(text)]
    maps = ["-map", "0", "-map", "1", "-map", "2", "-c", "copy", "-c:s", codec]
    tags = ["-metadata:s:s:0", "language=fra", "-metadata:s:s:0", "title=Sous-titres"]
    make([*inputs, *maps, *tags, "-disposition:s:1", "forced", str(source)])
    found = tracks_of(tmp_path, source)
    assert [one.name for one in found] == ["subtitles-1-fra", "subtitles-2-und"]
    first, last = read(found[0].path.read_bytes())
    assert ("Hello" in first.text, "script" in first.text, last.text) == (True, False, "再见")
    assert (first.start[-6:], last.end[-6:]) == ("00.200", "01.500")
    assert found[0].facts["language"] == "fra"
    assert found[0].facts["cues"] == 2
    assert found[1].facts.get("forced") is True
    if suffix == ".mkv":
        assert found[0].facts["title"] == "Sous-titres"


def test_a_track_that_cannot_be_converted_takes_no_other_with_it(tmp_path: Path) -> None:
    film, text, source = tmp_path / "film.mp4", tmp_path / "a.srt", tmp_path / "b.mkv"
    video(film, seconds=1.6, crf=40)
    text.write_text(SRT)
    make(["-i", str(film), "-i", str(text), "-map", "0", "-map", "1", "-c", "copy", str(source)])
    workshop = workshop_in(tmp_path / "work")
    chosen = film_at(workshop, source).chosen
    (sound,), (good,) = chosen.sounds, chosen.subtitles
    made = make_subtitles(workshop, source, "matroska", [(sound, sound), (good, good)])
    assert [one.name for one in made] == ["subtitles-2-und"]


def test_a_film_without_text_has_no_subtitles(tmp_path: Path) -> None:
    assert tracks_of(tmp_path, video(tmp_path / "film.mp4", seconds=1.0, crf=40)) == []
