"""A hardware encoder that does not work: x264 makes the web copy, and that is reported."""

import subprocess
from pathlib import Path

import pytest
from support.media import video
from support.metrics import metrics
from support.required import require
from support.server import running_server
from support.tus import upload

from tusd_py.doctor.media import check_media
from tusd_py.settings.model import Settings
from tusd_py.worker.media.sandbox import Kind, Limits, Sandbox


def test_x264_does_the_work_of_an_encoder_that_fails(tmp_path: Path) -> None:
    env = {
        "TUSD_MEDIA__VIDEO__ENCODER": "vaapi",
        "TUSD_MEDIA__VIDEO__ENCODER_DEVICE": "/dev/null",
        "TUSD_MEDIA__PRESET": "ultrafast",
    }
    with running_server(tmp_path / "data", env=env) as server:
        task = upload(server, video(tmp_path / "clip.mp4", seconds=1.0))
        done = server.wait_for_status(task, "completed", "failed")
        assert done["renditions"][0] == "web", done
        server.wait_for_line("media.encoder.failed")
        assert metrics(server.url)["tusd_worker_encoder_failures_total"] == 1
    video_settings = {"encoder": "vaapi", "encoder_device": "/dev/null"}
    findings = {
        one.check: one.level.name
        for one in check_media(Settings.model_validate({"media": {"video": video_settings}}))
    }
    assert findings["media.encoder"] == "WARNING"


@pytest.mark.parametrize("kind", ["bwrap", "landlock"])
def test_a_box_gives_the_named_node_and_no_other(kind: Kind) -> None:
    # No sandbox gives one of these by itself.
    node = next((node for node in map(Path, ("/dev/fuse", "/dev/kmsg")) if node.exists()), None)
    require(node is not None, "needs /dev/fuse or /dev/kmsg")
    assert node is not None
    limits = Limits(memory=1 << 30, file_size=1, cpu=9)
    for devices in ((), (node,)):
        box = Sandbox(
            kind=kind, source=Path("/usr/bin/true"), output=None, limits=limits, devices=devices
        )
        argv = box.wrap(["/usr/bin/dd", f"if={node}", "count=0", "status=none"])
        done = subprocess.run(argv, capture_output=True, check=False)
        assert (done.returncode == 0) is bool(devices), done
