"""Tests that the janitor removes only what no row refers to."""

import pytest
from support.catalog import claim
from support.ids import fresh_id
from support.uploads import stored_file
from support.workers import WorkerInProcess

from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import Job, JobState
from tusd_py.jobs.failed_jobs import reopen_failed
from tusd_py.worker.janitor import find_leftovers, remove_leftovers

CONTENT = b"what was sent"


def test_the_janitor_leaves_alone_what_began_after_its_search(
    worker: WorkerInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its search and the removal the janitor lists the object store."""
    done, running = worker.submit(CONTENT), worker.submit(b"another")
    worker.attempt()
    worker.folder(done, "1")
    held = worker.ports.catalog.jobs.get

    def job(task_id: UploadId) -> Job | None:
        """Return the job as it was before the next attempt, which has a folder already."""
        found = held(task_id)
        if task_id == running and found is not None and found.fence == 0:
            assert claim(worker.ports.catalog) is not None
            worker.folder(running, "1", "1.source")
        return found

    (worker.ports.work_dir / running).mkdir()
    monkeypatch.setattr(worker.ports.catalog.jobs, "get", job)
    found = find_leftovers(worker.ports)
    worker.ports.catalog.jobs.add_reprocess_job(done)
    worker.folder(done, "2", "2.source")
    remove_leftovers(worker.ports, found)
    assert sorted(one.name for one in (worker.ports.work_dir / done).iterdir()) == ["2", "2.source"]
    left = sorted(one.name for one in (worker.ports.work_dir / running).iterdir())
    assert left == ["1", "1.source"]


def test_the_janitor_removes_folders_without_anything_in_them(worker: WorkerInProcess) -> None:
    task_id = worker.submit(CONTENT)
    worker.attempt()
    (worker.ports.work_dir / task_id).mkdir()
    worker.folder(fresh_id(), "1", "2.source")
    found = find_leftovers(worker.ports)
    assert len(found.work_dirs) == 3
    remove_leftovers(worker.ports, found)
    assert list(worker.ports.work_dir.iterdir()) == []


def test_the_source_of_a_job_that_was_reopened_meanwhile_stays(worker: WorkerInProcess) -> None:
    task_id = worker.submit(CONTENT)
    source = stored_file(worker.ports, task_id)
    source.write_bytes(b"what was sens")
    worker.attempt()
    assert worker.job(task_id).error_code == "corrupt"
    worker.clock.advance(25 * 3600)
    found = find_leftovers(worker.ports)
    assert found.sources == (task_id,)
    source.write_bytes(CONTENT)
    assert reopen_failed(worker.ports.catalog, worker.ports.tasks, task_id) is not None
    remove_leftovers(worker.ports, found)
    worker.attempt()
    assert worker.job(task_id).state is JobState.DONE


def test_the_janitor_removes_only_what_no_row_refers_to(worker: WorkerInProcess) -> None:
    done, waiting = worker.submit(b"done"), worker.submit(b"waiting")
    worker.attempt()
    stranger = fresh_id()
    worker.ports.stores.uploads.create(stranger)
    (worker.ports.work_dir / done / "1").mkdir(parents=True)
    (worker.ports.work_dir / waiting / "3").mkdir(parents=True)
    orphan = worker.settings.data_dir / "objects" / "pool" / "ff" / ("f" * 64)
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"orphan")
    found = find_leftovers(worker.ports)
    assert (found.orphan_data, found.orphan_objects) == ((), ())
    assert sorted(path.parent.name for path in found.work_dirs) == sorted([done, waiting])
    from tusd_py.clock import SystemClock

    worker.clock.jump(SystemClock().now() - worker.clock.now() + 49 * 3600)
    found = find_leftovers(worker.ports)
    assert found.orphan_data == (stranger,)
    assert found.orphan_objects == (f"pool/ff/{'f' * 64}",)
    remove_leftovers(worker.ports, found)
    assert len(find_leftovers(worker.ports)) == 0
    assert len(list(worker.ports.objects.entries())) == 1
    assert stored_file(worker.ports, waiting).exists()
