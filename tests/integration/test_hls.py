"""HTTP Live Streaming of a film: a real server makes it, ffmpeg plays it, also by a signed link."""

import json
import re
import subprocess
from pathlib import Path

import httpx
from support.media import video
from support.server import running_server
from support.tus import upload

ENV = {"TUSD_MEDIA__PRESET": "ultrafast", "TUSD_MEDIA__VIDEO__HLS": "60,120,1080"}


def played(url: str) -> dict[str, object]:
    """Return what ffprobe finds in a playlist when it reads every frame."""
    found = subprocess.run(
        [
            "ffprobe", "-v", "error", "-count_frames", "-extension_picky", "0", "-of", "json",
            "-show_entries", "stream=codec_type,width,height,nb_read_frames", url,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return dict(json.loads(found.stdout or "{}"), stderr=found.stderr)


def test_a_film_is_streamed_in_the_sizes_that_it_has(tmp_path: Path) -> None:
    source = video(tmp_path / "clip.mkv", seconds=8.0)
    with running_server(tmp_path / "data", env=ENV) as server:
        task = upload(server, source)
        done = server.wait_for_status(task, "completed", "failed")
        names = [name for name in done["renditions"] if name.startswith("hls")]
        assert names == ["hls-60p", "hls-60p-media", "hls-120p", "hls-120p-media", "hls"]
        base = f"{server.files}{task}"
        master = httpx.get(f"{base}?rendition=hls").text
        assert re.findall(r"RESOLUTION=(\w+)", master) == ["80x60", "160x120"]
        link = httpx.post(f"{server.url}/api/file/upload/links/{task}", json={"seconds": 600})
        signed = f"{server.url}{link.json()['url']}?rendition=hls"
        answer = httpx.get(signed)
        assert answer.headers["Content-Type"].startswith("application/vnd.apple.mpegurl")
        part = httpx.get(f"{base}?rendition=hls-60p").text
        assert part.count("#EXTINF") == 2
        for url in (f"{base}?rendition=hls", signed):
            found = played(url)
            frames = [
                (one["width"], one["height"], one["nb_read_frames"])
                for one in found["streams"]  # type: ignore[attr-defined]
                if one["codec_type"] == "video"
            ]
            assert frames == [(80, 60, "120"), (160, 120, "120")], found
