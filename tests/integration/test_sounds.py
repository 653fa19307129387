"""What becomes of sound files, in a real process with real ffmpeg."""

import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.media import make, probe
from support.server import Server, running_server
from support.sounds import CHAPTERS, TAGS, covered, lufs, picture, sound, tone
from support.tus import upload

PROFILES = """
media:
  profiles:
    loud: {audio: {loudness: -16}}
    opus: {audio: {format: opus}}
    bare: {audio: {metadata: strip_all, waveform: false}}
    placeless: {audio: {metadata: strip_location}}
  profile_choice: [loud, opus, bare, placeless]
"""


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("sounds")
    (folder / "settings.yaml").write_text(PROFILES)
    with running_server(folder / "data", "--config", str(folder / "settings.yaml")) as server:
        yield server


@dataclass
class Outcome:
    """The result of a task: its final state, its renditions by name, and their bytes."""

    server: Server
    task: str
    done: dict[str, Any]
    listed: dict[str, Any]

    @property
    def names(self) -> list[str]:
        """Return the main object first, the others in the order of the alphabet."""
        main = self.listed["main"]
        found = [one["name"] for one in self.listed["renditions"]]
        assert found[0] == main
        return [main, *sorted(set(found) - {main})]

    @property
    def notes(self) -> list[str]:
        return list(self.done["note_codes"])

    def entry(self, name: str) -> dict[str, Any]:
        return next(one for one in self.listed["renditions"] if one["name"] == name)

    def content(self, name: str) -> bytes:
        answer = httpx.get(f"{self.server.files}{self.task}?rendition={name}")
        assert answer.status_code == 200, answer.text
        return answer.content

    def saved(self, name: str, path: Path) -> Path:
        path.write_bytes(self.content(name))
        return path


def process(server: Server, path: Path, profile: str = "", name: str = "") -> Outcome:
    content = path.read_bytes()
    chosen = {"profile": profile} if profile else {}
    task = upload(server, content, name or path.name, **chosen)
    done = server.wait_for_status(task, "completed", "failed")
    assert done["status"] == "completed", done
    listed = httpx.get(f"{server.url}/api/file/upload/renditions/{task}").json()
    found = Outcome(server, task, dict(done), listed)
    assert len(set(found.names)) == len(listed["renditions"])
    if "original" in found.names:
        assert found.content("original") == content
    return found


def facts(path: Path, entries: str = "stream=codec_name,channels,sample_rate") -> list[str]:
    return probe(path, entries).split()


PLAYED = {
    "mp3.mp3": ["-c:a", "libmp3lame"],
    "aac.m4a": ["-c:a", "aac"],
    "adts.aac": ["-c:a", "aac"],
    "opus.opus": ["-c:a", "libopus"],
    "vorbis.ogg": ["-c:a", "libvorbis"],
    "film.mp4": ["-c:a", "aac"],
    "voice.webm": ["-c:a", "libopus"],
    "phone.wav": ["-c:a", "pcm_mulaw", "-ac", "1", "-ar", "8000"],
}


@pytest.mark.parametrize("name", PLAYED)
def test_a_sound_that_browsers_play_stays_the_main_object(
    sounds: Server, tmp_path: Path, name: str
) -> None:
    found = process(sounds, sound(tmp_path / name, *PLAYED[name]))
    assert found.names == ["original", "waveform"], found.done
    assert found.notes == []
    assert found.listed["main"] == "original"
    assert found.listed["facts"]["duration"] == pytest.approx(1.0, abs=0.1)


NOT_PLAYED = {
    "alac.m4a": (["-c:a", "alac"], "m4a"),
    "wma.wma": (["-c:a", "wmav2"], "m4a"),
    "aiff.aiff": ([], "m4a"),
    "wavpack.wv": ([], "m4a"),
    "speex.spx": (["-c:a", "libspeex", "-ar", "16000", "-ac", "1"], "m4a"),
    "layer2.mp2": (["-c:a", "mp2"], "m4a"),
    "real.rm": (["-c:a", "ac3", "-b:a", "64k"], "m4a"),
    "large.wav": (["-rf64", "always"], "m4a"),
    "plain.wav": ([], "m4a"),
    "plain.flac": ([], "m4a"),
    "aac.mka": (["-c:a", "aac"], "m4a"),
    "mp3.mka": (["-c:a", "libmp3lame"], "mp3"),
    "vorbis.mka": (["-c:a", "libvorbis"], "webm"),
}
TYPES = {"m4a": "audio/mp4", "mp3": "audio/mpeg", "webm": "audio/webm"}


@pytest.mark.parametrize("name", NOT_PLAYED)
def test_a_sound_that_browsers_do_not_play_gets_a_web_copy(
    sounds: Server, tmp_path: Path, name: str
) -> None:
    options, ext = NOT_PLAYED[name]
    found = process(sounds, sound(tmp_path / name, *options))
    assert found.names[0] == "web", found.done
    assert "waveform" in found.names
    web = found.saved("web", tmp_path / f"web.{ext}")
    assert found.entry("web")["content_type"] == TYPES[ext]
    assert float(probe(web, "format=duration")) == pytest.approx(1.0, abs=0.15)
    codec, rate, channels = facts(web)
    assert codec == {"m4a": "aac", "mp3": "mp3", "webm": "vorbis"}[ext]
    assert int(rate) <= 48000
    if "aac" not in options and ext == "m4a":
        assert "original" in found.names
        least = 64_000 * int(channels) * (0.6 if int(rate) >= 44100 else 0.2)
        assert int(probe(web, "stream=bit_rate")) > least


@pytest.mark.parametrize(
    ("layout", "channels", "profile"),
    [
        ("5.1(side)", 6, ""),
        ("7.1", 8, ""),
        ("6.1", 8, ""),
        ("hexadecagonal", 2, ""),
        ("quad", 4, "opus"),
        ("5.1(side)", 6, "opus"),
        ("6.1", 7, "opus"),
    ],
)
def test_channels_become_a_layout_that_browsers_play(
    sounds: Server, tmp_path: Path, layout: str, channels: int, profile: str
) -> None:
    path = sound(tmp_path / "a.wav", layout=layout, seconds=0.5 if profile else 0.6)
    found = process(sounds, path, profile)
    web = found.saved("web", tmp_path / "web.bin")
    codec, rate = ("opus", "48000") if profile else ("aac", "44100")
    assert facts(web) == [codec, rate, str(channels)]
    assert "original" in found.names
    layouts = probe(web, "stream=channel_layout")
    assert "side" not in layouts


def test_a_telephones_recording_gets_a_web_copy(sounds: Server, tmp_path: Path) -> None:
    # No encoder for AMR is free: these are 50 frames of 12.2 kbit/s (RFC 4867, 5.3).
    frames = b"".join(
        b"\x3c" + bytes((7 * number + place) % 256 for place in range(31)) for number in range(50)
    )
    (tmp_path / "voice.amr").write_bytes(b"#!AMR\n" + frames)
    found = process(sounds, tmp_path / "voice.amr")
    assert found.names == ["web", "original", "waveform"], found.done
    assert facts(found.saved("web", tmp_path / "web.m4a")) == ["aac", "8000", "1"]


def test_an_audio_book_keeps_chapters_tags_and_cover_in_its_copy(
    sounds: Server, tmp_path: Path
) -> None:
    (tmp_path / "chapters.txt").write_text(CHAPTERS)
    cover = picture(tmp_path / "cover.jpg")
    make(
        [
            *tone(), "-i", str(tmp_path / "chapters.txt"), "-i", str(cover), "-map", "0",
            "-map", "2",
            "-map_metadata", "1", "-map_chapters", "1", "-c:a", "alac", "-c:v", "copy",
            "-disposition:v:0", "attached_pic", str(tmp_path / "book.m4b"),
        ]
    )  # fmt: skip
    found = process(sounds, tmp_path / "book.m4b")
    assert found.names == ["web", "cover", "original", "thumbnail", "waveform"]
    web = found.saved("web", tmp_path / "web.m4a")
    assert probe(web, "chapter_tags=title").split() == ["Erstens", "Zweitens"]
    assert probe(web, "format_tags=title") == "Ein Buch"
    assert "mjpeg" in probe(web, "stream=codec_name")
    assert found.content("cover") == cover.read_bytes()
    assert found.listed["facts"]["chapters"] == 2
    assert found.listed["facts"]["title"] == "Ein Buch"


@pytest.mark.parametrize(("name", "kind"), [("c.mp3", "jpg"), ("c.flac", "png"), ("c.m4a", "jpg")])
def test_a_cover_is_a_picture_of_its_own(
    sounds: Server, tmp_path: Path, name: str, kind: str
) -> None:
    cover = picture(tmp_path / f"cover.{kind}")
    found = process(sounds, covered(tmp_path / name, cover))
    entry = found.entry("cover")
    assert found.entry("thumbnail")["facts"] == {"width": 120, "height": 90}
    assert entry["content_type"] == {"jpg": "image/jpeg", "png": "image/png"}[kind]
    assert found.content("cover") == cover.read_bytes()
    assert entry["facts"] == {"width": 120, "height": 90}
    shown = found.listed["facts"]
    assert (shown["title"], shown["artist"], shown["album"]) == ("Ein Lied", "Wir", "Eins")
    assert shown["cover"] == {"width": 120, "height": 90}


def test_a_cover_that_is_no_picture_is_not_believed(sounds: Server, tmp_path: Path) -> None:
    path = covered(tmp_path / "c.mp3", picture(tmp_path / "cover.jpg"))
    content = path.read_bytes()
    start = content.index(b"\xff\xd8\xff")
    path.write_bytes(content[:start] + b"<html><script>" + content[start + 14 :])
    found = process(sounds, path)
    assert "cover" not in found.names
    assert found.notes == ["cover_unreadable"]


def test_a_waveform_is_what_players_for_browsers_read(sounds: Server, tmp_path: Path) -> None:
    half_silent = f"{tone(2.0)[3]},volume=enable='gt(t,1)':volume=0"
    make(["-f", "lavfi", "-i", half_silent, "-c:a", "libmp3lame", str(tmp_path / "half.mp3")])
    found = process(sounds, tmp_path / "half.mp3")
    assert found.entry("waveform")["content_type"] == "application/json"
    peaks = json.loads(found.content("waveform"))
    assert (peaks["version"], peaks["channels"], peaks["bits"]) == (2, 1, 8)
    assert len(peaks["data"]) == 2 * peaks["length"] <= 3600
    seconds = peaks["length"] * peaks["samples_per_pixel"] / peaks["sample_rate"]
    assert seconds == pytest.approx(2.0, abs=0.1)
    middle = peaks["length"] // 2
    loud, silent = peaks["data"][: middle - 20], peaks["data"][-middle + 20 :]
    assert min(loud) < -10 < 10 < max(loud)
    assert set(silent) <= {-1, 0, 1}


@pytest.mark.parametrize("name", ["quiet.mp3", "quiet.wav", "loud.flac"])
def test_loudness_is_brought_to_its_target(sounds: Server, tmp_path: Path, name: str) -> None:
    volume = 6.0 if name.startswith("loud") else 0.3
    make([*tone(5.0, volume=volume), str(tmp_path / name)])
    before = lufs(tmp_path / name)
    assert abs(before + 16) > 2
    found = process(sounds, tmp_path / name, "loud")
    assert found.names == ["web", "original", "waveform"]
    web = found.saved("web", tmp_path / "web.m4a")
    assert lufs(web) == pytest.approx(-16, abs=0.6)
    assert found.listed["facts"]["loudness"]["integrated"] == pytest.approx(before, abs=0.3)
    after = found.listed["facts"]["web_loudness"]
    assert after["integrated"] == pytest.approx(-16, abs=0.6)
    assert after["true_peak"] <= -1.0
    assert facts(web) == ["aac", "44100", "2"]


def test_silence_and_what_is_loud_enough_are_not_encoded_again(
    sounds: Server, tmp_path: Path
) -> None:
    make(["-f", "lavfi", "-i", "anullsrc=d=1", str(tmp_path / "silence.mp3")])
    make([*tone(5.0), str(tmp_path / "a.wav")])
    gain = -16 - lufs(tmp_path / "a.wav")
    make([*tone(5.0), "-af", f"volume={gain}dB", "-b:a", "192k", str(tmp_path / "right.mp3")])
    for name in ("silence.mp3", "right.mp3"):
        assert process(sounds, tmp_path / name, "loud").names == ["original", "waveform"]


def test_a_recording_without_a_length_gets_one(sounds: Server, tmp_path: Path) -> None:
    path = tmp_path / "rec.webm"
    make([*tone(), "-c:a", "libopus", "-live", "1", "-f", "webm", str(path)])
    assert probe(path, "format=duration") == "N/A"
    found = process(sounds, path)
    assert found.names[0] == "web"
    web = found.saved("web", tmp_path / "web.webm")
    assert float(probe(web, "format=duration")) == pytest.approx(1.0, abs=0.1)
    assert facts(web)[0] == "opus"


def test_a_copy_that_carries_everything_replaces_its_original(
    sounds: Server, tmp_path: Path
) -> None:
    found = process(sounds, sound(tmp_path / "plain.mka", "-c:a", "aac"))
    assert found.names == ["web", "waveform"]
    odd = sound(tmp_path / "odd.mka", "-c:a", "aac", "-metadata", "mood=odd")
    assert process(sounds, odd).names == ["web", "original", "waveform"]


def test_an_original_that_may_hold_more_than_is_listed_is_kept(
    sounds: Server, tmp_path: Path
) -> None:
    plain = sound(tmp_path / "plain.mov", "-c:a", "aac", "-f", "mov")
    assert process(sounds, plain).names == ["web", "waveform"]
    more = tmp_path / "more.mov"
    more.write_bytes(plain.read_bytes() + struct.pack(">I4s", 24, b"uuid") + b"data of a camera")
    assert process(sounds, more).names == ["web", "original", "waveform"]
    # No program lists all chunks of a WAV.
    wave = sound(tmp_path / "mp3.wav", "-c:a", "libmp3lame")
    assert process(sounds, wave).names == ["web", "original", "waveform"]


@pytest.mark.parametrize("name", ["tracks.mka", "tracks.m4a"])
def test_all_tracks_go_along_with_their_languages(
    sounds: Server, tmp_path: Path, name: str
) -> None:
    codecs = ["-c:a:0", "aac", "-c:a:1", "alac" if name.endswith("m4a") else "ac3"]
    make(
        [
            *tone(), *tone(volume=0.5), "-map", "0", "-map", "1", *codecs,
            "-metadata:s:a:0", "language=fra", "-metadata:s:a:1", "language=jpn",
            str(tmp_path / name),
        ]
    )  # fmt: skip
    found = process(sounds, tmp_path / name)
    web = found.saved("web", tmp_path / "web.m4a")
    assert probe(web, "stream=codec_name").split() == ["aac", "aac"]
    assert probe(web, "stream_tags=language").split() == ["fra", "jpn"]
    assert "original" in found.names


def test_tags_go_out_of_the_main_copy_by_setting(sounds: Server, tmp_path: Path) -> None:
    place = ("-metadata", "location=+48.1+011.5/")
    path = sound(tmp_path / "memo.m4a", *TAGS, *place, "-movflags", "use_metadata_tags")
    assert "+48.1" in probe(path, "format_tags")
    bare = process(sounds, path, "bare")
    web = probe(bare.saved("web", tmp_path / "bare.m4a"), "format_tags=title,artist,location")
    assert web == ""
    path = sound(tmp_path / "memo2.mp3", *TAGS, *place)
    placeless = process(sounds, path, "placeless")
    assert placeless.notes == []
    kept = probe(placeless.saved("web", tmp_path / "p.mp3"), "format_tags")
    assert "Ein Lied" in kept
    assert "48.1" not in kept


def test_tags_that_can_not_be_removed_are_reported(sounds: Server, tmp_path: Path) -> None:
    options = ["-c:a", "pcm_mulaw", "-ac", "1", "-ar", "8000"]
    found = process(sounds, sound(tmp_path / "tagged.wav", *options, *TAGS), "bare")
    assert (found.names, found.notes) == (["original"], ["tags_not_removed"])


def test_a_sound_that_is_no_sound_is_reported(sounds: Server, tmp_path: Path) -> None:
    (tmp_path / "none.flac").write_bytes(b"fLaC\0" + bytes(500))
    found = process(sounds, tmp_path / "none.flac")
    assert found.names == ["original"]
    assert found.notes == ["sound_unreadable"]


def test_tags_of_ogg_are_found_in_its_stream(sounds: Server, tmp_path: Path) -> None:
    path = sound(tmp_path / "a.ogg", "-c:a", "libspeex", "-ar", "16000", "-ac", "1", *TAGS)
    found = process(sounds, path)
    assert found.listed["facts"]["title"] == "Ein Lied"
    web = found.saved("web", tmp_path / "web.m4a")
    assert probe(web, "format_tags=title") == "Ein Lied"


def damage(path: Path, start: float, end: float, every: int = 97) -> Path:
    content = bytearray(path.read_bytes())
    for position in range(int(len(content) * start), int(len(content) * end), every):
        content[position] ^= 0xFF
    path.write_bytes(content)
    return path


def test_a_damaged_sound_is_kept_with_a_note(sounds: Server, tmp_path: Path) -> None:
    bad = damage(sound(tmp_path / "bad.flac", seconds=5.0), 0.3, 0.9)
    found = process(sounds, bad)
    assert found.names == ["original", "waveform"]
    assert found.notes == ["damaged"]
    path = sound(tmp_path / "cut.flac", seconds=5.0)
    os.truncate(path, path.stat().st_size // 2)
    cut = process(sounds, path)
    assert cut.listed["main"] == "original"
    assert cut.notes == ["cut_off"]
