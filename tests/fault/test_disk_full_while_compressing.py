"""Another program fills the disk while ffmpeg runs: the job waits, and the film is whole."""

from pathlib import Path

import httpx
from support.files import files_in, size_of
from support.media import video
from support.server import running_server
from support.small_disk import fill, small_disk
from support.tus import upload
from support.waiting import wait_until

ENV = {
    "TUSD_LIMITS__DISK_RESERVE": "16MiB",
    "TUSD_JOBS__RESOURCE_BACKOFF": "0.5s",
    "TUSD_MEDIA__PRESET": "slow",
    "TUSD_MEDIA__KEEP_ORIGINAL": "always",
}


def drafts(work: Path) -> list[Path]:
    """Return the files that are being written."""
    return [path for path in files_in(work) if path.suffix == ".part"]


def test_a_film_waits_for_room_and_is_then_compressed(tmp_path: Path) -> None:
    source = video(tmp_path / "clip.mp4", size="960x540", seconds=3.0, rate=25, crf=12)
    with (
        small_disk(tmp_path, 160, kind="ext4") as disk,
        running_server(disk / "data", "--workers", "1", env=ENV) as server,
    ):
        ballast = disk / "another program's"
        task = upload(server, source)
        url = f"{server.files}{task}"
        work = server.data_dir / "work"
        wait_until(lambda: any(map(size_of, drafts(work))), 60)
        fill(ballast)
        wait_until(lambda: server.progress(task).get("message") == "等待资源", 60)
        assert server.progress(task)["status"] != "failed"
        assert httpx.get(url).content == source.read_bytes()
        ballast.unlink()
        done = server.wait_for_status(task, "completed", "failed", timeout=120)
        assert (done["status"], done["renditions"]) == ("completed", ["web", "original"])
        assert httpx.get(f"{url}?rendition=original").content == source.read_bytes()
        assert httpx.get(url).content[4:8] == b"ftyp"
        assert drafts(work) == []
