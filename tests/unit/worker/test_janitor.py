"""Tests that the janitor removes only what no row refers to."""

import pytest
from support.bench import Bench, folder
from support.catalog import claim
from support.ids import fresh_id
from support.uploads import stored_file

from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import Job, JobState
from tusd_py.jobs.retry import reopen_failed
from worker.janitor import find_leftovers, remove_leftovers

CONTENT = b"what was sent"


def test_the_janitor_leaves_alone_what_began_after_its_search(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its search and the removal the janitor lists the object store."""
    done, running = bench.submit(CONTENT), bench.submit(b"another")
    bench.take()
    folder(bench, done, "1")
    held = bench.ports.catalog.jobs.get

    def job(task_id: UploadId) -> Job | None:
        """Return the job as it was before the next attempt, which has a folder already."""
        found = held(task_id)
        if task_id == running and found is not None and found.fence == 0:
            assert claim(bench.ports.catalog) is not None
            folder(bench, running, "1", "1.source")
        return found

    (bench.ports.work_dir / running).mkdir()
    monkeypatch.setattr(bench.ports.catalog.jobs, "get", job)
    found = find_leftovers(bench.ports)
    bench.ports.catalog.jobs.add_reprocess_job(done)
    folder(bench, done, "2", "2.source")
    remove_leftovers(bench.ports, found)
    assert sorted(one.name for one in (bench.ports.work_dir / done).iterdir()) == ["2", "2.source"]
    left = sorted(one.name for one in (bench.ports.work_dir / running).iterdir())
    assert left == ["1", "1.source"]


def test_the_janitor_removes_folders_without_anything_in_them(bench: Bench) -> None:
    task_id = bench.submit(CONTENT)
    bench.take()
    (bench.ports.work_dir / task_id).mkdir()
    folder(bench, fresh_id(), "1", "2.source")
    found = find_leftovers(bench.ports)
    assert len(found.work_dirs) == 3
    remove_leftovers(bench.ports, found)
    assert list(bench.ports.work_dir.iterdir()) == []


def test_the_source_of_a_job_that_was_reopened_meanwhile_stays(bench: Bench) -> None:
    task_id = bench.submit(CONTENT)
    source = stored_file(bench.ports, task_id)
    source.write_bytes(b"what was sens")
    bench.take()
    assert bench.job(task_id).error_code == "corrupt"
    bench.clock.advance(25 * 3600)
    found = find_leftovers(bench.ports)
    assert found.sources == (task_id,)
    source.write_bytes(CONTENT)
    assert reopen_failed(bench.ports.catalog, bench.ports.tasks, task_id) is not None
    remove_leftovers(bench.ports, found)
    bench.take()
    assert bench.job(task_id).state is JobState.DONE


def test_the_janitor_removes_only_what_no_row_refers_to(bench: Bench) -> None:
    done, waiting = bench.submit(b"done"), bench.submit(b"waiting")
    bench.take()
    stranger = fresh_id()
    bench.ports.stores.uploads.create(stranger)
    (bench.ports.work_dir / done / "1").mkdir(parents=True)
    (bench.ports.work_dir / waiting / "3").mkdir(parents=True)
    orphan = bench.settings.data_dir / "objects" / "pool" / "ff" / ("f" * 64)
    orphan.parent.mkdir(parents=True)
    orphan.write_bytes(b"orphan")
    found = find_leftovers(bench.ports)
    assert (found.orphan_data, found.orphan_objects) == ((), ())
    assert sorted(path.parent.name for path in found.work_dirs) == sorted([done, waiting])
    from tusd_py.clock import SystemClock

    bench.clock.jump(SystemClock().now() - bench.clock.now() + 49 * 3600)
    found = find_leftovers(bench.ports)
    assert found.orphan_data == (stranger,)
    assert found.orphan_objects == (f"pool/ff/{'f' * 64}",)
    remove_leftovers(bench.ports, found)
    assert len(find_leftovers(bench.ports)) == 0
    assert len(list(bench.ports.objects.entries())) == 1
    assert stored_file(bench.ports, waiting).exists()
