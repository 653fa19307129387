"""Objects without a reference are removed from the store, no others (requirement S20, fault 49)."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import blake3
import pytest
from support.bench import Bench
from support.catalog import claim
from support.multipart_state import MemoryMultipartState
from support.oss.configured import section_of
from support.oss.server import OssServer

from tusd_py.clock import SystemClock
from tusd_py.domain.errors import LeaseLost
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import JobState
from tusd_py.domain.multipart import Part
from tusd_py.domain.upload import UploadState
from tusd_py.jobs.outbox import relay_outbox
from tusd_py.objects.keys import object_key
from tusd_py.settings.model import Settings
from tusd_py.settings.objects import ObjectSettings
from worker.janitor import claim_objects, find_leftovers, remove_leftovers
from worker.pipeline import engine

HOURS = 3600.0
ORPHAN = object_key("f" * 64, "")


@pytest.fixture(params=["local", "oss"])
def bench(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    settings = Settings(data_dir=tmp_path / "data", workers=1)
    server = None
    if request.param == "oss":
        server = OssServer(tmp_path / "oss").start()
        oss = section_of(server.url)
        settings = settings.model_copy(
            update={"oss": oss, "objects": ObjectSettings(part_size=5 << 20)}
        )
    made = Bench(tmp_path / "data", monkeypatch, settings)
    yield made
    made.ports.close()
    if server is not None:
        server.close()


def put(bench: Bench, key: str, folder: Path) -> None:
    source = folder / "stray"
    source.write_bytes(b"stray")
    bench.ports.objects.put_file(
        key,
        source,
        content_hash=key[8:72],
        content_type="x/y",
        multipart_state=MemoryMultipartState(),
    )


def later(bench: Bench, hours: float) -> None:
    bench.clock.jump(SystemClock().now() + hours * HOURS - bench.clock.now())


def keys(bench: Bench) -> set[str]:
    return {key for key, _ in bench.ports.objects.entries()}


def collect(bench: Bench) -> None:
    remove_leftovers(bench.ports, find_leftovers(bench.ports))


def test_an_object_without_a_file_goes_after_two_days(bench: Bench, tmp_path: Path) -> None:
    bench.submit()
    bench.take()
    held = keys(bench)
    put(bench, ORPHAN, tmp_path)
    later(bench, 47)
    collect(bench)
    assert keys(bench) == held | {ORPHAN}
    later(bench, 49)
    collect(bench)
    assert keys(bench) == held


def collected_before(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str, collecting: list[str]
) -> None:
    """Run another process's janitor when the attempt comes to this step."""

    def failpoint(name: str) -> None:
        if name == step and collecting:
            key = collecting.pop()
            assert bench.ports.catalog.objects.condemn(key)
            bench.ports.objects.delete(key)
            bench.ports.catalog.objects.removed(key)

    monkeypatch.setattr(engine, "failpoint", failpoint)


@pytest.mark.parametrize("step", ["before_store", "before_record"])
def test_an_object_that_was_collected_before_it_is_recorded_is_stored_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    key = object_key(blake3.blake3(b"content").hexdigest(), "")
    collected_before(bench, monkeypatch, step, [key])
    task_id = bench.submit()
    bench.take()
    if step == "before_record":
        assert bench.job(task_id).state is JobState.QUEUED
        assert keys(bench) == set()
        bench.clock.advance(60)
        relay(bench)
        bench.take()
    assert bench.job(task_id).state is JobState.DONE
    assert keys(bench) == {key}


def relay(bench: Bench) -> None:
    relay_outbox(bench.ports.catalog.jobs, bench.ports.queue)


def test_an_object_that_is_being_collected_is_waited_for(bench: Bench) -> None:
    key = object_key(blake3.blake3(b"content").hexdigest(), "")
    assert bench.ports.catalog.objects.condemn(key)
    task_id = bench.submit()
    bench.take()
    assert bench.job(task_id).state is JobState.QUEUED
    bench.ports.catalog.objects.removed(key)
    bench.clock.advance(60)
    relay(bench)
    bench.take()
    assert bench.job(task_id).state is JobState.DONE
    assert keys(bench) == {key}


class _Stopping(MemoryMultipartState):
    def add(self, part: Part) -> None:
        raise LeaseLost


def begin(bench: Bench, task_id: UploadId, folder: Path) -> str:
    """Let an attempt die in the middle of a put in parts."""
    source = folder / "large"
    source.write_bytes(bytes(11 << 20))
    ledger = _Stopping()
    with pytest.raises(LeaseLost):
        bench.ports.objects.put_file(
            ORPHAN, source, content_hash="f" * 64, content_type="x/y", multipart_state=ledger
        )
    assert ledger.multipart is not None
    job = claim(bench.ports.catalog, owner="w")
    assert job is not None
    bench.ports.catalog.objects.begin_multipart(
        task_id, fence=job.fence, multipart=replace(ledger.multipart, parts=())
    )
    return ledger.multipart.upload_id


@pytest.mark.parametrize("bench", ["oss"], indirect=True)
def test_an_upload_in_parts_goes_when_no_job_goes_on_with_it(bench: Bench, tmp_path: Path) -> None:
    task_id = bench.submit()
    upload_id = begin(bench, task_id, tmp_path)
    later(bench, 49)
    assert find_leftovers(bench.ports).unfinished == ()
    bench.ports.catalog.uploads.close(task_id, UploadState.TERMINATED)
    assert [left.upload_id for left in find_leftovers(bench.ports).unfinished] == [upload_id]
    later(bench, 1)
    assert find_leftovers(bench.ports).unfinished == ()
    later(bench, 49)
    collect(bench)
    assert list(bench.ports.objects.incomplete_uploads()) == []


def test_the_rounds_between_do_not_look_through_the_object_store(
    bench: Bench, tmp_path: Path
) -> None:
    put(bench, ORPHAN, tmp_path)
    later(bench, 49)
    assert find_leftovers(bench.ports, objects=False).orphan_objects == ()
    assert find_leftovers(bench.ports).orphan_objects == (ORPHAN,)


def test_a_catalog_collects_nothing_of_another_ones(bench: Bench, tmp_path: Path) -> None:
    """A new database with an old object store knows none of its objects."""
    put(bench, ORPHAN, tmp_path)
    assert claim_objects(bench.ports)
    bench.ports.objects.set_owner("another catalog")
    later(bench, 49)
    assert not claim_objects(bench.ports)
    collect(bench)
    assert keys(bench) == {ORPHAN}
    assert claim_objects(bench.ports, adopts=True)
    collect(bench)
    assert keys(bench) == set()
