"""Clients that never give up, against a topology whose parts are killed one after the other."""

import os
import queue
import random
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import blake3
import httpx
from support.deployed import Deployed
from support.waiting import wait_until

from tusd_py.client import Client, Options, UploadResult
from tusd_py.client.resume_store import FileVersion, ResumeStore

CLIENTS = 20
CHUNK = 256 * 1024
FOLLOWED = 5
"""One upload in this number is followed over Server-Sent Events."""


@dataclass(frozen=True)
class Source:
    """A file to be sent."""

    path: Path
    digest: str

    @property
    def is_video(self) -> bool:
        return self.path.suffix == ".mp4"


def make_sources(
    folder: Path, clips: Sequence[bytes], *, count: int, rng: random.Random
) -> list[Source]:
    """Write files of 0 bytes to 3 MiB.

    A fifth of them equal others; a few are videos.
    """
    contents: list[bytes] = []
    sources: list[Source] = []
    for number in range(count):
        suffix = ".bin"
        if number % 20 == 7:
            content, suffix = rng.choice(clips), ".mp4"
        elif number % 5 == 4:
            content = rng.choice(contents)
        else:
            content = rng.randbytes(rng.choice([0, 1, 1000, rng.randrange(3 << 20)]))
        if suffix == ".bin":
            contents.append(content)
        path = folder / f"{number}{suffix}"
        path.write_bytes(content)
        sources.append(Source(path, blake3.blake3(content).hexdigest()))
    return sources


@dataclass(frozen=True)
class Strike:
    """Which program was killed, and how the service recovered."""

    killed: str
    uploading: int
    """Number of files that were being sent at that moment."""
    arrived_after: float
    """Seconds until an upload that was begun after the kill had completed."""
    restarted_after: float
    """Seconds until ``up`` reported that all programs accept work."""


class Campaign:
    """Sends the files that are released, ``CLIENTS`` files at a time."""

    def __init__(self, deployed: Deployed, folder: Path, sources: Sequence[Source]) -> None:
        self._deployed = deployed
        self._folder = folder
        self._unreleased = list(reversed(sources))
        self._queue: queue.Queue[Source | None] = queue.Queue()
        self.sent: dict[str, Source] = {}
        self.states_seen: dict[str, list[dict[str, Any]]] = {}
        self.errors: list[BaseException] = []
        self.released = 0
        self._followers: list[threading.Thread] = []
        self._clients = [threading.Thread(target=self._client) for _ in range(CLIENTS)]

    def start(self) -> None:
        for client in self._clients:
            client.start()

    def release(self, count: int) -> None:
        """Release this number of further files."""
        for _ in range(min(count, len(self._unreleased))):
            self._queue.put(self._unreleased.pop())
            self.released += 1

    def finish(self) -> None:
        """Wait until all released files have been sent and their followers have ended."""
        for _ in self._clients:
            self._queue.put(None)
        for thread in self._clients:
            thread.join(120)
            assert not thread.is_alive(), "a client did not complete its files"
        for thread in self._followers:
            thread.join(120)
            assert not thread.is_alive(), "a follower never received the end"
        assert self.errors == [], self.errors

    def strike(self, name: str) -> Strike:
        """Kill the program, start it again, and watch one upload until it is completed."""
        uploading = self.released - len(self.sent)
        pid = self._deployed.entry(name)["pid"]
        begun = time.monotonic()
        os.killpg(pid, signal.SIGKILL)
        restarted: list[float] = []

        def restart() -> None:
            self._deployed.up()
            restarted.append(time.monotonic() - begun)

        starting = threading.Thread(target=restart)
        starting.start()
        self._see_one_through(f"after-{name}")
        arrived = time.monotonic() - begun
        starting.join()
        assert restarted, "it did not start again"
        return Strike(name, uploading, arrived, restarted[0])

    def _see_one_through(self, name: str) -> None:
        path = self._folder / f"{name}.bin"
        path.write_bytes(random.randbytes(10_000))
        with httpx.Client(timeout=10) as http:
            sent = self._uploader(http).upload(path, instant=False)
            wait_until(lambda: status(http, self._deployed, sent.task_id) == "completed", 60)

    def _uploader(self, http: httpx.Client) -> Client:
        options = Options(
            resume_store=ResumeStore(self._folder / "state"),
            retries=10_000,
            retries_at_first=10_000,
            chunk_bytes=CHUNK,
            longest_pause=0.1,
        )
        return Client(self._deployed.files, options=options, http=http)

    def _client(self) -> None:
        try:
            with httpx.Client(timeout=20) as http:
                uploader = self._uploader(http)
                while (source := self._queue.get()) is not None:
                    self._send(uploader, source)
        except BaseException as error:  # noqa: BLE001
            self.errors.append(error)

    def _send(self, uploader: Client, source: Source) -> None:
        followed = int(source.path.stem) % FOLLOWED == 2
        begun = threading.Event()

        def progress(_offset: int) -> None:
            if not followed or begun.is_set():
                return
            begun.set()
            store = ResumeStore(self._folder / "state")
            known = store.get(source.path, FileVersion.of(source.path), self._deployed.files)
            url = None if known is None else known.url
            thread = threading.Thread(target=self._follow, args=(str(url).rpartition("/")[2],))
            self._followers.append(thread)
            thread.start()

        sent = uploader.upload(source.path, instant=False, progress=progress)
        self.sent[sent.task_id] = source

    def _follow(self, task_id: str) -> None:
        states = self.states_seen.setdefault(task_id, [])
        try:
            with httpx.Client(timeout=20) as http:
                sent = UploadResult(url=f"{self._deployed.files}{task_id}", resumed_at=0)
                states.extend(self._uploader(http).follow(sent))
        except BaseException as error:  # noqa: BLE001
            self.errors.append(error)


def status(http: httpx.Client, deployed: Deployed, task_id: str) -> str:
    """Return a task's status as nginx's clients see it; '' while no server answers."""
    try:
        response = http.get(f"{deployed.url}/api/file/upload/progress/{task_id}")
    except httpx.TransportError:
        return ""
    return str(response.json()["status"]) if response.status_code == 200 else ""


def table(strikes: Sequence[Strike]) -> str:
    """Return the strikes as a table in Markdown."""
    rows = [
        f"| {strike.killed} | {strike.uploading} | {strike.arrived_after:.1f} s | "
        f"{strike.restarted_after:.1f} s |"
        for strike in strikes
    ]
    head = (
        "| killed (-9) | files on their way | an upload begun after it had completed after | "
        "all ran again after |",
        "|---|---|---|---|",
    )
    return "\n".join((*head, *rows)) + "\n"
