"""Videos that need more work than their bytes allow, and what other users get meanwhile."""

from pathlib import Path

import httpx
from support.bombs import repeated_frames
from support.media import video
from support.metrics import metrics
from support.server import running_server
from support.tus import upload
from support.waiting import wait_until

SECRET = "a-secret-of-the-environment"
# The library of this program is below /usr, which every sandbox shows. A decoder starts no process.
ENDLESS = """#!/usr/bin/python3
# Stands for ffmpeg that was taken over: it looks around, then never ends.
import os, signal, sys
if sys.argv[1] == "-version":
    sys.exit("ffmpeg version 0")
parent = f"/proc/{{os.getppid()}}"
inherited = os.listdir("/proc/self/fd")
with open("{inherited}", "w") as found:
    found.write(" ".join(inherited))
def read(path):
    with open(path, "rb") as file:
        return file.read()
looks = [(read, name) for name in ("environ", "maps", "mem")]
looks += [(os.readlink, name) for name in ("cwd", *(f"fd/{{number}}" for number in range(64)))]
with open("{stolen}", "w") as stolen:
    for look, name in looks:
        try:
            stolen.write(repr(look(f"{{parent}}/{{name}}")))
        except OSError:
            pass
    stolen.write("end")
print("out_time_us=1", flush=True)
while True:
    signal.pause()
"""


def test_heavy_work_stops_no_light_work_and_a_bomb_is_not_begun(tmp_path: Path) -> None:
    stolen, inherited = tmp_path / "stolen", tmp_path / "inherited"
    endless = tmp_path / "ffmpeg"
    endless.write_text(ENDLESS.format(stolen=stolen, inherited=inherited))
    endless.chmod(0o755)
    bomb = repeated_frames(tmp_path / "bomb.mp4", repeats=4000, size="1920x1080")
    films = [
        repeated_frames(tmp_path / f"film{number}.mp4", repeats=number, size="1920x1080")
        for number in (31, 33)
    ]
    env = {
        "TUSD_MEDIA__SANDBOX": "rlimit",
        "TUSD_MEDIA__FFMPEG": str(endless),
        "TUSD_MEDIA__PRESET": "ultrafast",
        "TUSD_MEDIA__VIDEO__POSTER": "false",
        "TUSD_MEDIA__VIDEO__THUMBNAIL_WIDTH": "0",
        "TUSD_MEDIA__VIDEO__STORYBOARD": "false",
        "TUSD_JOBS__RELAY_EVERY": "0.1",
        "SECRET_OF_THE_ENVIRONMENT": SECRET,
    }
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        refused = upload(server, bomb)
        kept = server.wait_for_status(refused, "completed", "failed")
        assert "保留原文件" in str(kept["message"])
        assert httpx.get(f"{server.files}{refused}").content == bomb.read_bytes()
        assert metrics(server.url)["tusd_worker_over_budget_total,before"] == 1
        first = upload(server, films[0])
        server.wait_for_status(first, "compressing")
        second = upload(server, films[1])
        text = upload(server, b"light work" * 1000, "text.txt")
        # The only slot does heavy work without end; light work is done all the same.
        assert server.wait_for_status(text, "completed", "failed")["status"] == "completed"
        assert server.progress(first)["status"] == "compressing"
        assert server.progress(second)["status"] == "received"
        # The decoder was the server's child, with the same user, without a namespace.
        wait_until(lambda: stolen.exists() and stolen.read_bytes().endswith(b"end"))
        assert SECRET.encode() not in stolen.read_bytes()
        assert stolen.read_bytes() == b"end"
        assert set(inherited.read_text().split()) <= {"0", "1", "2", "3"}


BUSY = """#!/usr/bin/python3
import itertools, sys, threading
if sys.argv[1] == "-version":
    sys.exit("ffmpeg version 0")
def work(step):
    for position in itertools.count():
        if step and position % step == 0:
            print(f"out_time_us={position}", flush=True)
threading.Thread(target=work, args=(0,), daemon=True).start()
work(1000)
"""


def test_a_video_over_its_estimate_is_stopped_and_kept_as_it_was(tmp_path: Path) -> None:
    busy = tmp_path / "ffmpeg"
    busy.write_text(BUSY)
    busy.chmod(0o755)
    env = {"TUSD_MEDIA__CPU_BUDGET": "1", "TUSD_MEDIA__FFMPEG": str(busy)}
    source = video(tmp_path / "clip.mp4")
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        task = upload(server, source)
        done = server.wait_for_status(task, "completed", "failed")
        assert "压缩耗时过多，保留原文件" in str(done["message"])
        assert httpx.get(f"{server.files}{task}").content == source.read_bytes()
        assert metrics(server.url)["tusd_worker_over_budget_total,while"] == 1
        server.wait_for_line("media.budget.exceeded")
