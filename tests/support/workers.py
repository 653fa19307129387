"""The harness for workers: in the process of the test, and as a process that may be killed."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import blake3
import pytest
from prometheus_client import CollectorRegistry
from support.clock import FakeClock
from support.ids import ME, fresh_id
from support.migrated import put_catalog
from support.warm_start import Started, start

from tusd_py.domain.ids import UploadId, UserId, owner_scope
from tusd_py.domain.job import Job
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.upload import FinishedContent, Upload
from tusd_py.monitoring.registry import Metrics
from tusd_py.monitoring.traces import NoTraces
from tusd_py.monitoring.worker_metrics import WorkerMetrics
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_ports
from tusd_py.worker import consumer as consuming
from tusd_py.worker.app import Worker
from tusd_py.worker.consumer import Consumer
from tusd_py.worker.media.tools import Tools
from tusd_py.worker.pipeline.attempt import Attempt

NO_TOOLS = Tools(ffmpeg=None, ffprobe=None, version="", sandbox="off")
Steps = Callable[[Attempt], None]


class WorkerInProcess:
    """A consumer with real adapters in an empty directory; ``attempt`` takes one job.

    It has no programs for media. ``whole`` makes a worker with its threads on the same adapters.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
        self.clock = FakeClock()
        # No test cuts the power here.
        self.settings = Settings(data_dir=folder, workers=1, durability="off", **settings)
        put_catalog(folder)
        self.ports: Ports = open_ports(self.settings, clock=self.clock)
        self.consumer = Consumer(
            self.settings,
            self.ports,
            NO_TOOLS,
            owner="host:1:x",
            clock=self.clock,
            metrics=WorkerMetrics(CollectorRegistry()),
            traces=NoTraces(),
        )
        self._patch = monkeypatch

    def submit(
        self, content: bytes = b"content", user: UserId = ME, lane: JobLane = JobLane.LIGHT
    ) -> UploadId:
        """Store a finished upload, queue its job and wake a worker."""
        upload = Upload(id=fresh_id(), user_id=user, length=len(content), created_at=1.0)
        self.ports.stores.uploads.create(upload.id)
        with self.ports.stores.uploads.writer(upload.id, length=None) as writer:
            writer.write([content])
        self.ports.catalog.uploads.add(upload)
        self.ports.catalog.uploads.finish(
            FinishedContent(
                upload_id=upload.id, user_id=upload.user_id, scope=owner_scope(upload.user_id),
                filename="a.bin", filetype="", file_hash=blake3.blake3(content).hexdigest(),
                file_size=len(content), temp_path="x", created_at=1.0, lane=lane,
            ),
            is_video=False,
        )  # fmt: skip
        self.ports.queue.wake()
        return upload.id

    def attempt(self, steps: Steps | None = None) -> None:
        """Take the next job and attempt it, by other steps than those of the pipeline if given."""
        if steps is not None:
            self.replace_steps(steps)
        assert self.consumer.take_one()

    def replace_steps(self, steps: Steps) -> None:
        self._patch.setattr(consuming, "run_steps", steps)

    def job(self, task_id: UploadId) -> Job:
        found = self.ports.catalog.jobs.get(task_id)
        assert found is not None
        return found

    def folder(self, task_id: UploadId, *names: str) -> Path:
        """Return the folder of all attempts at a task, with new folders of these names in it."""
        found = self.ports.work_dir / task_id
        for name in names:
            (found / name).mkdir(parents=True)
            (found / name / "film.mp4").write_bytes(b"made")
        return found

    def whole(self, tools: Tools = NO_TOOLS, metrics: Metrics | None = None) -> Worker:
        """Return a worker that is not started yet, and must be stopped by the test."""
        return Worker(self.settings, self.ports, tools=tools, relays=False, metrics=metrics)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ports.close()


@contextmanager
def running_worker(data_dir: Path, env: Mapping[str, str], **more: str) -> Iterator[Started]:
    """Run ``tusd-py worker`` with one slot for the length of a block.

    It is ended with SIGTERM if it still runs. ``env`` and ``more`` are added to this process's
    environment.
    """
    process = start_worker(data_dir, env, **more)
    try:
        yield process
    finally:
        stop_workers(process)


def start_worker(data_dir: Path, env: Mapping[str, str], **more: str) -> Started:
    """Start what ``running_worker`` runs, for a test that stops it by ``stop_workers`` or kills it."""
    with open(os.devnull, "wb") as nothing:
        return start(
            "worker", "--data-dir", str(data_dir), "--workers", "1",
            env={**os.environ, "TUSD_LOG_LEVEL": "warning", **env, **more},
            output=nothing.fileno(),
            errors=2,
        )  # fmt: skip


def stop_workers(*processes: Started) -> None:
    """Send SIGTERM to workers, of which some may be suspended or have ended, and await their end."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGCONT)
    for process in processes:
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
