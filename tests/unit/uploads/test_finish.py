"""Tests of finishing on real adapters: declared hashes, re-reading, recovery, outcomes, content."""

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import blake3
import pytest
from support.bodies import WholeBody
from support.catalog import STORED, claimed
from support.ids import ME, OTHER, fresh_id
from support.uploads import UploadsInProcess, stored_file
from support.waiting import until

from tusd_py.catalog.uploads import SqlUploads
from tusd_py.catalog.values import Finished
from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create
from tusd_py.domain.errors import (
    HashMismatch,
    TypeMismatch,
    UploadTerminated,
)
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import Checkpoint, Step
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.notes import Note
from tusd_py.domain.task import TEXT_INFECTED, Task, TaskStatus
from tusd_py.domain.upload import FinishedContent, UploadState
from tusd_py.jobs.outbox import publish_outcomes
from tusd_py.storage.running_hash import RunningHash
from tusd_py.tasks.from_records import task_of_outcome
from tusd_py.uploads import finish as finishing
from tusd_py.uploads.append import append
from tusd_py.uploads.create import create
from tusd_py.uploads.receive import BATCH_REREAD_BYTES
from tusd_py.uploads.recovery import recover


def test_a_declared_hash_is_verified(client: UploadsInProcess) -> None:
    content = b"as declared"
    right = blake3.blake3(content).hexdigest()
    assert client.state(client.upload(content, declared_hash=right)) is UploadState.FINISHED
    upload_id = client.create(len(content), declared_hash="0" * 64)
    with pytest.raises(HashMismatch):
        client.append(upload_id, 0, content)
    assert client.state(upload_id) is UploadState.REJECTED
    assert not stored_file(client.ports, upload_id).exists()
    task = client.ports.tasks.get(upload_id)
    assert task is not None
    assert (task.status, task.error_code) == (TaskStatus.FAILED, "hash_mismatch")


def test_a_job_has_its_owners_priority_and_the_lane_of_its_content(
    client: UploadsInProcess,
) -> None:
    film = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" + bytes(64)
    for content, lane in ((film, JobLane.HEAVY), (b"a text", JobLane.LIGHT)):
        command = Create(length=len(content))
        owner = Caller(ME, priority=5)
        made = client.run(create(client.context, owner, fresh_id(), command, client.body()))
        client.append(made.upload.id, 0, content)
        job = client.job(made.upload.id)
        assert (job.priority, job.lane) == (5, lane)


def test_a_finish_that_must_reread_much_follows_the_answer_and_is_done_once(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finishing, "REHASH_NOW_BYTES", 10)
    content = bytes(range(256)) * 10
    upload_id = client.create(len(content))
    client.append(upload_id, 0, content[:1000])
    client.restart()
    assert client.append(upload_id, 1000, content[1000:]) == len(content)

    client.run(until(lambda: client.state(upload_id) is UploadState.FINISHED))
    job = client.job(upload_id)
    assert job.file_hash == blake3.blake3(content).hexdigest()


def test_with_a_declared_hash_the_answer_waits_for_the_verification(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finishing, "REHASH_NOW_BYTES", 10)
    upload_id = client.create(2000, declared_hash="0" * 64)
    client.append(upload_id, 0, b"x" * 1000)
    client.restart()
    with pytest.raises(HashMismatch):
        client.append(upload_id, 1000, b"x" * 1000)


def test_a_finish_that_must_reread_does_not_delay_small_uploads(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"x" * (BATCH_REREAD_BYTES + 2)
    upload_id = client.create(len(content), declared_hash=blake3.blake3(content).hexdigest())
    client.append(upload_id, 0, content[:-1])
    client.restart()
    reading, go_on = threading.Event(), threading.Event()
    read_on = RunningHash._read_on

    def slowly(*arguments: Any) -> bool:
        reading.set()
        go_on.wait(10)
        return read_on(*arguments)

    monkeypatch.setattr(RunningHash, "_read_on", slowly)

    async def scene() -> int:
        command = Append(upload_id=upload_id, offset=len(content) - 1)
        last = asyncio.create_task(append(client.context, ME, command, WholeBody(content[-1:])))
        assert await asyncio.to_thread(reading.wait, 10)
        small = Create(length=3, has_body=True)
        made = await create(client.context, Caller(ME), fresh_id(), small, WholeBody(b"abc"))
        assert made.offset == 3
        assert not last.done()
        go_on.set()
        return (await last).offset

    assert client.run(scene()) == len(content)
    assert client.state(upload_id) is UploadState.FINISHED


def test_a_crash_between_answer_and_transaction_is_repaired_at_start(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"z" * 3000
    upload_id = client.create(len(content))
    client.append(upload_id, 0, content[:2999])
    writer = client.ports.stores.uploads.writer(upload_id, length=len(content))
    writer.write([content[2999:]])
    writer.close()
    client.restart()
    assert client.run(recover(client.context)) == 1
    assert client.run(recover(client.context)) == 0
    assert client.state(upload_id) is UploadState.FINISHED
    assert client.ports.catalog.jobs.count_waiting() == 1


def test_an_unexpected_error_of_one_upload_does_not_stop_the_recovery_of_others(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    uploads = [client.create(3) for _ in range(3)]
    for upload_id in uploads:
        with client.ports.stores.uploads.writer(upload_id, length=3) as writer:
            writer.write([b"abc"])
    client.restart()
    finish = SqlUploads.finish

    def fails_once(repository: SqlUploads, content: FinishedContent, *, is_video: bool) -> Finished:
        if content.upload_id == min(uploads):
            raise OverflowError
        return finish(repository, content, is_video=is_video)

    monkeypatch.setattr(SqlUploads, "finish", fails_once)
    assert client.run(recover(client.context)) == 2
    states = sorted(client.state(upload_id).value for upload_id in uploads)
    assert states == ["finished", "finished", "receiving"]


def test_a_finish_wakes_the_workers(client: UploadsInProcess) -> None:
    client.upload(b"job")
    assert client.woken == 1


def recorded(client: UploadsInProcess, task_id: UploadId) -> Task:
    outcome = client.ports.catalog.uploads.outcome(task_id)
    assert outcome is not None
    return task_of_outcome(outcome)


def test_an_outcome_of_the_outbox_has_the_notes_of_the_file(client: UploadsInProcess) -> None:
    """The outbox may publish the end of a task before the worker does."""
    upload_id = client.upload(b"job")
    ports = client.ports
    fence = claimed(ports.catalog, upload_id)
    checkpoint = Checkpoint(step=Step.STORE, notes=(Note.UNTOUCHED,))
    ports.catalog.jobs.save_checkpoint(upload_id, fence=fence, checkpoint=checkpoint)
    stored = replace(STORED, stored_hash=blake3.blake3(b"job").hexdigest())
    ports.catalog.jobs.complete(upload_id, fence=fence, stored=stored)
    assert publish_outcomes(ports.catalog.jobs, ports.tasks) == 1
    # The view may lose the task: its record says the same.
    for task in (ports.tasks.get(upload_id), recorded(client, upload_id)):
        assert task is not None
        assert (task.status, task.notes) == (TaskStatus.COMPLETED, (Note.UNTOUCHED,))
        assert task.message == "上传完成（此类文件按原样保存）"


def test_an_outcome_that_was_not_published_is_published_from_the_outbox(
    client: UploadsInProcess,
) -> None:
    upload_id = client.upload(b"job")
    ports = client.ports
    fence = claimed(ports.catalog, upload_id)
    ports.catalog.jobs.fail(upload_id, fence=fence, error_code="infected", error_msg="broken")
    assert publish_outcomes(ports.catalog.jobs, ports.tasks) == 1
    assert publish_outcomes(ports.catalog.jobs, ports.tasks) == 0
    for task in (ports.tasks.get(upload_id), recorded(client, upload_id)):
        assert task is not None
        assert (task.status, task.error_code) == (TaskStatus.FAILED, "infected")
        assert (task.error_msg, task.message) == ("broken", TEXT_INFECTED)


def test_under_a_white_list_content_is_checked_as_soon_as_possible(tmp_path: Path) -> None:
    with UploadsInProcess(tmp_path, allowed_extensions=("mp4",)) as client:
        upload_id = client.create(
            1 << 20, metadata_header="filename YS5tcDQ=", metadata={"filename": b"a.mp4"}
        )
        with pytest.raises(TypeMismatch):
            client.append(upload_id, 0, b"text " * 20_000)
        assert client.state(upload_id) is UploadState.REJECTED
        with pytest.raises(UploadTerminated):
            client.append(upload_id, 0, b"more")


def test_equal_content_of_two_users_is_two_files(client: UploadsInProcess) -> None:
    first, second = client.upload(b"same", ME), client.upload(b"same", OTHER)
    for upload_id in (first, second):
        assert client.ports.catalog.jobs.get(upload_id) is not None
