"""Every command line for sounds: its input is guarded, and a crafted file reads no neighbour."""

import subprocess
from pathlib import Path

import pytest
from support.sounds import sound

from tusd_py.worker.media.contents import Contents, Stream
from tusd_py.worker.media.sound_argv import Tags, analyse_argv, cover_argv, make_argv
from tusd_py.worker.media.sound_plan import Copy, Encode, Track, Wishes, plan_sound

CRAFTED = {
    "hls": "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n",
    "concat": "ffconcat version 1.0\nfile {target}\n",
}
DEMUXERS = ("mp3", "wav", "ogg", "asf")


def argvs(source: str, demuxer: str, output: Path) -> list[list[str]]:
    """Return one command line of each kind."""
    stream = Stream(index=0, kind="audio", codec="wmav2", channels=2, layout="stereo")
    contents = Contents(duration=1.0, streams=(stream,))
    encode = plan_sound(contents, (stream,), "audio/x-ms-wma", Wishes(), size=1)
    assert isinstance(encode, Encode)
    copy = Copy(container=encode.container, tracks=(Track(index=0, is_copied=True),))
    picture = Stream(index=0, kind="video", codec="mjpeg")
    made = str(output / "made")
    return [
        analyse_argv(
            "ffmpeg", encode.tracks[0], source=source, demuxer=demuxer, part_samples=2205,
            sample_rate=44100, measures_loudness=True,
        ),
        *(
            make_argv("ffmpeg", plan, source=source, output=made, demuxer=demuxer, tags=Tags())
            for plan in (encode, copy)
        ),
        cover_argv(
            "ffmpeg", picture, source=source, output=made, demuxer=demuxer, max_pixels=1000,
            copies=True,
        ),
    ]  # fmt: skip


def test_guards_stand_before_the_only_input(tmp_path: Path) -> None:
    for argv in argvs("-y.mp3", "mp3", tmp_path):
        at = argv.index("-i")
        assert argv.count("-i") == 1
        assert argv[at + 1] == "file:-y.mp3"
        guards = ("-protocol_whitelist", "-format_whitelist", "-f")
        assert [argv[argv.index(guard) + 1] for guard in guards] == ["file,pipe", "mp3", "mp3"]
        assert all(argv.index(guard) < at for guard in guards)


def audible_parts(argv: list[str]) -> int:
    ran = subprocess.run(
        argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )
    return ran.stdout.count("Max_level=")


@pytest.mark.parametrize("kind", CRAFTED)
def test_a_playlist_under_the_name_of_a_sound_reads_no_neighbour(tmp_path: Path, kind: str) -> None:
    sound(tmp_path / "victim.mp3")
    crafted = tmp_path / "crafted.mp3"
    crafted.write_text(CRAFTED[kind].format(target="victim.mp3"))
    for demuxer in DEMUXERS:
        for argv in argvs(str(crafted), demuxer, tmp_path):
            assert audible_parts(argv) == 0, argv
    assert not (tmp_path / "made").exists() or (tmp_path / "made").stat().st_size < 1000


def test_without_the_guards_the_neighbour_is_played(tmp_path: Path) -> None:
    """The same file does leak without the guards, so the test above can fail."""
    sound(tmp_path / "victim.mp3")
    crafted = tmp_path / "crafted.mp3"
    crafted.write_text(CRAFTED["concat"].format(target="victim.mp3"))
    argv = argvs(str(crafted), "mp3", tmp_path)[0]
    at = argv.index("-protocol_whitelist")
    assert audible_parts([*argv[:at], *argv[at + 6 :]]) > 0
