"""A consumer with real adapters in a directory, which runs one job at a time."""

from collections.abc import Callable
from pathlib import Path

import blake3
import pytest
from prometheus_client import CollectorRegistry
from support.clock import FakeClock
from support.ids import fresh_id
from support.migrated import put_catalog

from tusd_py.domain.ids import UploadId, UserId, owner_scope
from tusd_py.domain.job import Job
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.upload import FinishedContent, Upload
from tusd_py.jobs.outbox import relay_outbox
from tusd_py.monitoring.traces import NoTraces
from tusd_py.monitoring.worker_metrics import WorkerMetrics
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_ports
from worker import consumer as consuming
from worker.consumer import Consumer
from worker.media.tools import Tools
from worker.pipeline.attempt import Attempt

ME = UserId(1)
TOOLS = Tools(ffmpeg=None, ffprobe=None, version="", sandbox="off")
Steps = Callable[[Attempt], None]


class Bench:
    """Builds a consumer with an empty data directory."""

    def __init__(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings | None = None
    ) -> None:
        self.clock = FakeClock()
        self.settings = settings or Settings(data_dir=folder, workers=1)
        put_catalog(self.settings.data_dir)
        self.ports: Ports = open_ports(self.settings, clock=self.clock)
        self.registry = CollectorRegistry()
        self.consumer = Consumer(
            self.settings,
            self.ports,
            TOOLS,
            owner="host:1:x",
            clock=self.clock,
            metrics=WorkerMetrics(self.registry),
            traces=NoTraces(),
        )
        self._patch = monkeypatch

    def submit(
        self, content: bytes = b"content", user: UserId = ME, lane: JobLane = JobLane.LIGHT
    ) -> UploadId:
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
        relay_outbox(self.ports.catalog.jobs, self.ports.queue)
        return upload.id

    def take(self, steps: Steps | None = None) -> None:
        if steps is not None:
            self.patch_steps(steps)
        assert self.consumer.take_one()

    def patch_steps(self, steps: Steps) -> None:
        self._patch.setattr(consuming, "run_steps", steps)

    def job(self, task_id: UploadId) -> Job:
        found = self.ports.catalog.jobs.get(task_id)
        assert found is not None
        return found


def folder(bench: Bench, task_id: UploadId, *names: str) -> Path:
    """Return the folder of all attempts at a task, with new folders of these names in it."""
    found = bench.ports.work_dir / task_id
    for name in names:
        (found / name).mkdir(parents=True)
        (found / name / "film.mp4").write_bytes(b"made")
    return found
