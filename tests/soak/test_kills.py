"""A fault campaign: clients that never give up against servers and workers that keep being killed."""

import os
import random
import signal
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import blake3
import httpx
import pytest
from support.files import files_in
from support.media import video
from support.process_set import children
from support.server import Server
from support.waiting import wait_until
from support.workers import start_worker, stop_workers

from tusd_py.client import Client, Options, UploadResult
from tusd_py.client.resume_store import ResumeStore

SECONDS = float(os.environ.get("SOAK_SECONDS", "90"))
CLIENTS = 4
FAST = {
    "TUSD_MEDIA__PRESET": "ultrafast", "TUSD_JOBS__LEASE": "4s", "TUSD_JOBS__RENEW_EVERY": "0.5s",
    "TUSD_JOBS__REAP_EVERY": "0.3s", "TUSD_JOBS__RELAY_EVERY": "0.1s", "TUSD_JOBS__MAX_CRASHES": "1000",
    "TUSD_JOBS__JANITOR_EVERY": "1s", "TUSD_JOBS__MAX_ATTEMPTS": "1000", "TUSD_JOBS__BACKOFF": "0.2s",
}  # fmt: skip

STRIKES = {
    1: ("server", "server", "worker", "worker", "stops"),
    2: ("server", "parent", "process", "process", "process", "worker", "stops"),
}
"""What is killed or stopped, by the number of processes of the server; some of it more often."""


class Campaign:
    def __init__(self, folder: Path, seed: int, *, processes: int) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        flags = ("--workers", "0", "--processes", str(processes))
        self.server = Server(folder / "data", *flags, env=FAST)
        self.worker: subprocess.Popen[bytes] | None = None
        self.sent: dict[str, bytes] = {}
        self.errors: list[BaseException] = []
        self.over = threading.Event()
        self.strikes = STRIKES[processes]
        self.kills = dict.fromkeys(self.strikes, 0)

    def start_worker(self) -> None:
        self.worker = start_worker(self.server.data_dir, FAST, TUSD_LOG_LEVEL="error")

    def client(self, number: int, clips: list[bytes]) -> None:
        rng = random.Random(number)
        try:
            with httpx.Client(timeout=10) as http:
                options = Options(
                    resume_store=ResumeStore(self.folder / "state"),
                    retries=10_000,
                    retries_at_first=10_000,
                    longest_pause=0.2,
                )
                uploader = Client(self.server.files, options=options, http=http)
                while not self.over.is_set():
                    self.send_one(uploader, rng, number, clips)
        except BaseException as error:  # noqa: BLE001
            self.errors.append(error)

    def send_one(
        self, uploader: Client, rng: random.Random, number: int, clips: list[bytes]
    ) -> None:
        content = (
            rng.choice(clips) if rng.random() < 0.3 else rng.randbytes(rng.randrange(0, 6 << 20))
        )
        name = "clip.mp4" if content in clips else "data.bin"
        path = self.folder / f"{number}-{name}"
        path.write_bytes(content)
        sent: UploadResult = uploader.upload(path, {"filename": name}, instant=False)
        self.sent[sent.task_id] = content

    def strike(self) -> None:
        kind = self.random.choice(self.strikes)
        self.kills[kind] += 1
        if kind == "server":
            self.server.kill()
            self.server.start()
        elif kind == "parent":
            self.server.kill_parent()
            self.server.start()
        elif kind == "process":
            # The parent may not have replaced the last one yet.
            for pid in children(self.server)[:1]:
                os.kill(pid, signal.SIGKILL)
        elif kind == "worker":
            assert self.worker is not None
            self.worker.kill()
            self.worker.wait()
            self.start_worker()
        else:
            assert self.worker is not None
            self.worker.send_signal(signal.SIGSTOP)
            # Shorter or longer than the lease: how long it sleeps is the fault.
            self.over.wait(self.random.uniform(0.5, 6.0))
            self.worker.send_signal(signal.SIGCONT)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("processes", [1, 2])
def test_everything_arrives_once_whatever_is_killed(tmp_path: Path, processes: int) -> None:
    seed = int(os.environ.get("SOAK_SEED", "1"))
    campaign = Campaign(tmp_path, seed, processes=processes)
    clips = [video(tmp_path / f"clip{n}.mp4", seconds=1.0 + n).read_bytes() for n in range(2)]
    campaign.server.start()
    campaign.start_worker()
    clients = [threading.Thread(target=campaign.client, args=(n, clips)) for n in range(CLIENTS)]
    for client in clients:
        client.start()
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and not campaign.errors:
        # Whenever: what is struck must not be chosen by what the servers are at.
        campaign.over.wait(campaign.random.uniform(0.3, 2.5))
        campaign.strike()
    campaign.over.set()
    for client in clients:
        client.join(120)
        assert not client.is_alive()
    try:
        assert campaign.errors == []
        for task_id in campaign.sent:
            campaign.server.wait_for_status(task_id, "completed", timeout=180)
        check(campaign)
    finally:
        assert campaign.worker is not None
        stop_workers(campaign.worker)
        assert campaign.server.stop() == 0
    print(f"seed {seed}: {len(campaign.sent)} files, {campaign.kills}")  # noqa: T201


def check(campaign: Campaign) -> None:
    """The invariants of the design."""
    server = campaign.server
    database = sqlite3.connect(server.data_dir / "catalog.sqlite3")
    pool = dict(database.execute("SELECT hash, object_key FROM repository_pool"))
    rows = database.execute("SELECT count(*) FROM repository_pool").fetchone()[0]
    histories = dict(database.execute("SELECT task_id, status FROM file_upload_history"))
    database.close()
    assert rows == len(pool), "one pool row per hash"
    for task_id, content in campaign.sent.items():
        digest = blake3.blake3(content).hexdigest()
        assert digest in pool
        assert histories[task_id] == "completed"
        got = httpx.get(f"{server.files}{task_id}", timeout=60)
        if ".mp4" not in pool[digest]:
            assert got.content == content
        assert (server.data_dir / "objects" / pool[digest]).exists()
    uploads = server.data_dir / "uploads"
    known = set(campaign.sent)
    wait_until(lambda: not [path for path in files_in(uploads) if path.name in known], timeout=60)
