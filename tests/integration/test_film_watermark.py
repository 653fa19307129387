"""A watermark over the web copy of a film, in the right place and colour; the original is kept."""

from pathlib import Path

import httpx
import pytest
from support.media import make, pixels_of, video
from support.server import STILLS, running_server
from support.tus import upload

from tusd_py.clock import SystemClock
from tusd_py.worker.media.film_argv import Mark, encode_argv
from tusd_py.worker.media.pictures import HD, Picture
from tusd_py.worker.media.plan import Encode, TagChanges
from tusd_py.worker.media.run import run
from tusd_py.worker.media.sandbox import Kind, Limits, Sandbox


def test_every_films_web_copy_is_marked_and_its_original_kept(tmp_path: Path) -> None:
    stamp = tmp_path / "stamp.png"
    make(["-f", "lavfi", "-i", "color=red:s=40x30,format=rgb24", "-frames:v", "1", str(stamp)])
    settings = tmp_path / "settings.yaml"
    settings.write_text(
        "media: {preset: ultrafast, video: {watermark: {picture: "
        f"{stamp}, opacity: 1, size: 0.25, margin: 0, place: top-right}}}}}}"
    )
    # Without a watermark this film would stay as it is.
    source = video(tmp_path / "clip.mp4", crf=40, seconds=1.0)
    with running_server(tmp_path / "data", "--config", str(settings), env=STILLS) as server:
        task = upload(server, source)
        done = server.wait_for_status(task, "completed", "failed")
        assert done["renditions"][:2] == ["web", "original"], done
        url = f"{server.files}{task}"
        assert httpx.get(f"{url}?rendition=original").content == source.read_bytes()
        for name, suffix in (("web", ".mp4"), ("poster", ".jpg")):
            made = tmp_path / f"made{suffix}"
            made.write_bytes(httpx.get(f"{url}?rendition={name}").content)
            rgb = pixels_of(made)[: 160 * 120 * 3]
            marked = tuple(rgb[3 * (15 * 160 + 140) : 3 * (15 * 160 + 140) + 3])
            assert abs(marked[0] - 255) + marked[1] + marked[2] < 40, (name, marked)
            outside = {tuple(rgb[3 * (y * 160 + 20) : 3 * (y * 160 + 20) + 3]) for y in range(120)}
            assert len(outside) > 4, name


@pytest.mark.parametrize("kind", ["bwrap", "landlock"])
def test_the_marks_colour_is_that_of_the_films_matrix(kind: Kind, tmp_path: Path) -> None:
    stamp, source, output = tmp_path / "mark.png", tmp_path / "film.mp4", tmp_path / "out"
    make(["-f", "lavfi", "-i", "color=lime:s=40x30,format=rgba", "-frames:v", "1", str(stamp)])
    video(source, seconds=0.4, sound=False)
    output.mkdir()
    limits = Limits(memory=1 << 30, file_size=1 << 24, cpu=60)
    box = Sandbox(kind=kind, source=source, output=output, limits=limits, readable=(stamp,))
    plan = Encode(
        picture=Picture(
            index=0, filters=("format=yuv420p",), colour=HD, rate=15,
            time_base=None,  # type: ignore[arg-type]
            key_frame_distance=15,
        ),
        sounds=(), subtitles=(), tags=TagChanges(), crf=10, preset="ultrafast", otherwise=None,
    )  # fmt: skip
    argv = encode_argv(
        "ffmpeg", plan, source=box.source_seen, output=box.output_seen("made.mp4"), demuxer="mov",
        max_pixels=1 << 20, threads=1, mark=Mark(path=str(stamp), x=10, y=20),
    )  # fmt: skip
    ran = run(box.wrap(argv), clock=SystemClock(), stopped=lambda: False, wall_seconds=60)
    assert ran.code == 0, ran.stderr
    rgb = pixels_of(output / "made.mp4")
    found = tuple(rgb[3 * (35 * 160 + 30) : 3 * (35 * 160 + 30) + 3])
    assert found[0] + abs(found[1] - 255) + found[2] < 30, found
