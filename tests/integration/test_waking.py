"""Without a broker a server wakes the workers of its process: they need not look for jobs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import httpx
import pytest
from support.migrated import put_catalog
from support.tus import creation, task_id

from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import JobState
from tusd_py.jobs.queue import embedded
from tusd_py.ports import Ports
from tusd_py.server import create_app
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_ports
from tusd_py.worker import consumer


@asynccontextmanager
async def served(ports: Ports, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings, ports)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as made:
                yield made
        finally:
            ports.queue.close()  # It ends the waits of the workers, so that they can stop.


def test_a_finish_and_a_request_to_process_again_wake_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, module in (("WAIT_SECONDS", consumer), ("POLL_SECONDS", embedded)):
        monkeypatch.setattr(module, name, 600.0)
    settings = Settings(data_dir=tmp_path, workers=1)
    put_catalog(tmp_path)
    ports = open_ports(settings)

    async def wait_for_end(task: UploadId, fence: int) -> None:
        with anyio.fail_after(30):
            while (job := ports.catalog.jobs.get(task)) is None or (job.state, job.fence) != (
                JobState.DONE,
                fence,
            ):
                await anyio.sleep(0.02)

    async def main() -> None:
        async with served(ports, settings) as client:
            sent = await client.post(
                "/files/", headers=creation(5, has_body=True), content=b"bytes"
            )
            task = UploadId(task_id(sent.headers["Location"]))
            await wait_for_end(task, 1)
            again = await client.post(f"/api/file/upload/reprocess/{task}")
            assert again.status_code == 202
            await wait_for_end(task, 2)

    anyio.run(main)
    ports.close()
