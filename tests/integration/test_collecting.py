"""Objects without a reference are removed from the store, no others (requirement S20, fault 49)."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import blake3
import pytest
from support.catalog import claim
from support.multipart_state import MemoryMultipartState
from support.oss.configured import section_of
from support.oss.server import OssServer
from support.workers import WorkerInProcess

from tusd_py.clock import SystemClock
from tusd_py.domain.errors import LeaseLost
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import JobState
from tusd_py.domain.multipart import Part
from tusd_py.domain.upload import UploadState
from tusd_py.objects.keys import object_key
from tusd_py.worker.janitor import claim_objects, find_leftovers, remove_leftovers
from tusd_py.worker.pipeline import engine

HOURS = 3600.0
ORPHAN = object_key("f" * 64, "")


@pytest.fixture(params=["local", "oss"])
def worker(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[WorkerInProcess]:
    with ExitStack() as stack:
        settings = {}
        if request.param == "oss":
            server = OssServer(tmp_path / "oss").start()
            stack.callback(server.close)
            settings = {"oss": section_of(server.url), "objects": {"part_size": 5 << 20}}
        yield stack.enter_context(WorkerInProcess(tmp_path / "data", monkeypatch, **settings))


def put(worker: WorkerInProcess, key: str, folder: Path) -> None:
    source = folder / "stray"
    source.write_bytes(b"stray")
    worker.ports.objects.put_file(
        key,
        source,
        content_hash=key[8:72],
        content_type="x/y",
        multipart_state=MemoryMultipartState(),
    )


def later(worker: WorkerInProcess, hours: float) -> None:
    worker.clock.jump(SystemClock().now() + hours * HOURS - worker.clock.now())


def keys(worker: WorkerInProcess) -> set[str]:
    return {key for key, _ in worker.ports.objects.entries()}


def collect(worker: WorkerInProcess) -> None:
    remove_leftovers(worker.ports, find_leftovers(worker.ports))


def test_an_object_without_a_file_goes_after_two_days(
    worker: WorkerInProcess, tmp_path: Path
) -> None:
    worker.submit()
    worker.attempt()
    held = keys(worker)
    put(worker, ORPHAN, tmp_path)
    later(worker, 47)
    collect(worker)
    assert keys(worker) == held | {ORPHAN}
    later(worker, 49)
    collect(worker)
    assert keys(worker) == held


def collected_before(
    worker: WorkerInProcess, monkeypatch: pytest.MonkeyPatch, step: str, collecting: list[str]
) -> None:
    """Run another process's janitor when the attempt comes to this step."""

    def failpoint(name: str) -> None:
        if name == step and collecting:
            key = collecting.pop()
            assert worker.ports.catalog.objects.condemn(key)
            worker.ports.objects.delete(key)
            worker.ports.catalog.objects.removed(key)

    monkeypatch.setattr(engine, "failpoint", failpoint)


@pytest.mark.parametrize("step", ["before_store", "before_record"])
def test_an_object_that_was_collected_before_it_is_recorded_is_stored_again(
    worker: WorkerInProcess, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    key = object_key(blake3.blake3(b"content").hexdigest(), "")
    collected_before(worker, monkeypatch, step, [key])
    task_id = worker.submit()
    worker.attempt()
    if step == "before_record":
        assert worker.job(task_id).state is JobState.QUEUED
        assert keys(worker) == set()
        worker.clock.advance(60)
        worker.attempt()
    assert worker.job(task_id).state is JobState.DONE
    assert keys(worker) == {key}


def test_an_object_that_is_being_collected_is_waited_for(worker: WorkerInProcess) -> None:
    key = object_key(blake3.blake3(b"content").hexdigest(), "")
    assert worker.ports.catalog.objects.condemn(key)
    task_id = worker.submit()
    worker.attempt()
    assert worker.job(task_id).state is JobState.QUEUED
    worker.ports.catalog.objects.removed(key)
    worker.clock.advance(60)
    worker.attempt()
    assert worker.job(task_id).state is JobState.DONE
    assert keys(worker) == {key}


class _Stopping(MemoryMultipartState):
    def add(self, part: Part) -> None:
        raise LeaseLost


def begin(worker: WorkerInProcess, task_id: UploadId, folder: Path) -> str:
    """Let an attempt die in the middle of a put in parts."""
    source = folder / "large"
    source.write_bytes(bytes(11 << 20))
    ledger = _Stopping()
    with pytest.raises(LeaseLost):
        worker.ports.objects.put_file(
            ORPHAN, source, content_hash="f" * 64, content_type="x/y", multipart_state=ledger
        )
    assert ledger.multipart is not None
    job = claim(worker.ports.catalog, owner="w")
    assert job is not None
    worker.ports.catalog.objects.begin_multipart(
        task_id, fence=job.fence, multipart=replace(ledger.multipart, parts=())
    )
    return ledger.multipart.upload_id


@pytest.mark.parametrize("worker", ["oss"], indirect=True)
def test_an_upload_in_parts_goes_when_no_job_goes_on_with_it(
    worker: WorkerInProcess, tmp_path: Path
) -> None:
    task_id = worker.submit()
    upload_id = begin(worker, task_id, tmp_path)
    later(worker, 49)
    assert find_leftovers(worker.ports).unfinished == ()
    worker.ports.catalog.uploads.close(task_id, UploadState.TERMINATED)
    assert [left.upload_id for left in find_leftovers(worker.ports).unfinished] == [upload_id]
    later(worker, 1)
    assert find_leftovers(worker.ports).unfinished == ()
    later(worker, 49)
    collect(worker)
    assert list(worker.ports.objects.incomplete_uploads()) == []


def test_the_rounds_between_do_not_look_through_the_object_store(
    worker: WorkerInProcess, tmp_path: Path
) -> None:
    put(worker, ORPHAN, tmp_path)
    later(worker, 49)
    assert find_leftovers(worker.ports, objects=False).orphan_objects == ()
    assert find_leftovers(worker.ports).orphan_objects == (ORPHAN,)


def test_a_catalog_collects_nothing_of_another_ones(
    worker: WorkerInProcess, tmp_path: Path
) -> None:
    """A new database with an old object store knows none of its objects."""
    put(worker, ORPHAN, tmp_path)
    assert claim_objects(worker.ports)
    worker.ports.objects.set_owner("another catalog")
    later(worker, 49)
    assert not claim_objects(worker.ports)
    collect(worker)
    assert keys(worker) == {ORPHAN}
    assert claim_objects(worker.ports, adopts=True)
    collect(worker)
    assert keys(worker) == set()
