"""Tests command lines for hardware encoders, which no machine of this project has.

Only the fallback runs.
"""

from pathlib import Path

import pytest

from tusd_py.worker.media.encoders import Encoder, EncoderName
from tusd_py.worker.media.film_argv import Mark, encode_argv
from tusd_py.worker.media.pictures import HD, Picture
from tusd_py.worker.media.plan import Encode, TagChanges
from tusd_py.worker.media.sandbox import Kind, Limits, Sandbox

NODE = Path("/dev/dri/renderD129")


def line(name: EncoderName, mark: Mark | None = None) -> str:
    picture = Picture(
        index=3, filters=("scale=4:2", "format=yuv420p"), colour=HD, rate=30, time_base=None,  # type: ignore[arg-type]
        key_frame_distance=250,
    )  # fmt: skip
    plan = Encode(
        picture=picture, sounds=(), subtitles=(), tags=TagChanges(), crf=21, preset="fast",
        otherwise=None,
    )  # fmt: skip
    return " ".join(
        encode_argv(
            "ffmpeg", plan, source="/in", output="/out/x", demuxer="mov", max_pixels=99, threads=2,
            mark=mark, encoder=Encoder(name=name, device=NODE),
        )
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "opens", "filters", "encodes"),
    [
        ("software", "", "format=yuv420p", "-c:v libx264 -profile:v high -preset fast -crf 21 "),
        (
            "vaapi", f"-init_hw_device vaapi=gpu:{NODE} -filter_hw_device gpu ",
            "format=yuv420p,format=nv12,hwupload",
            "-c:v h264_vaapi -profile:v high -rc_mode CQP -qp 21 -g 250 ",
        ),
        (
            "qsv", f"-init_hw_device qsv=gpu,child_device={NODE} -filter_hw_device gpu ",
            "format=yuv420p,format=nv12,hwupload=extra_hw_frames=64",
            "-c:v h264_qsv -profile:v high -preset medium -global_quality 21 -g 250 ",
        ),
        (
            "nvenc", "", "format=yuv420p",
            "-c:v h264_nvenc -profile:v high -preset p4 -rc vbr -cq 21 -b:v 0 -pix_fmt yuv420p "
            "-g 250 ",
        ),
    ],
)  # fmt: skip
def test_each_encoder_gets_its_frames_and_its_quality(
    name: EncoderName, opens: str, filters: str, encodes: str
) -> None:
    found = line(name)
    assert f" -y {opens}-max_pixels 99 " in found
    assert f" -map 0:3 -vf scale=4:2,{filters} " in found
    assert encodes in found
    assert ("-x264-params" in found) is (name == "software")
    assert ("-pix_fmt" in found) is (name in ("software", "nvenc"))
    marked = line(name, Mark(path="/m.png", x=1, y=2))
    uploaded = filters.removeprefix("format=yuv420p")
    assert f"overlay=1:2:format=yuv420{uploaded}[shown]" in marked
    assert encodes in marked


@pytest.mark.parametrize("kind", ["bwrap", "landlock"])
def test_only_the_encoders_devices_are_in_the_sandbox(kind: Kind, tmp_path: Path) -> None:
    node = tmp_path / "node"
    node.touch()
    limits = Limits(memory=1 << 30, file_size=1, cpu=1)
    for name in ("software", "vaapi", "nvenc"):
        encoder = Encoder(name=name, device=node)
        box = Sandbox(
            kind=kind, source=Path("/usr/bin/true"), output=None, limits=limits,
            devices=encoder.devices,
        )  # fmt: skip
        argv = box.wrap(["true"])
        assert (str(node) in argv) is (name == "vaapi")
        assert ("--as=unlimited" in argv) is (name != "software")
        if kind == "bwrap" and name == "nvenc":
            assert argv.count("--dev-bind-try") == 4
