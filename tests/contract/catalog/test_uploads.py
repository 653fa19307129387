"""Every catalog keeps these promises: uploads and their finish (``UploadRepository``)."""

import concurrent.futures
from dataclasses import replace

import pytest
from support.catalog import STORED, claimed, complete, content, finished, history, upload
from support.clock import FakeClock
from support.ids import ME, OTHER, fresh_id

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.values import FileQuery, FileState, ListPosition
from tusd_py.domain.errors import (
    LeaseLost,
    UploadExpired,
    UploadNotFound,
    UploadTerminated,
)
from tusd_py.domain.ids import UploadId, owner_scope
from tusd_py.domain.job import JobState
from tusd_py.domain.target import TargetAnswer, TargetRequest
from tusd_py.domain.upload import UploadKind, UploadProtocol, UploadState


def test_an_upload_is_read_back_as_it_was_added(catalog: Catalog) -> None:
    made = upload(
        length=None, metadata_header="filename 6KeG6aKR,raw gP8=,flag",
        metadata={"filename": "视频".encode(), "raw": b"\x80\xff", "flag": b""},
        declared_hash="c" * 64, kind=UploadKind.FINAL, concat_header="final;/files/x",
        parts=(fresh_id(), fresh_id()), protocol=UploadProtocol.IETF, wants_sha256=True,
        completes_at_length=False,
    )  # fmt: skip
    catalog.uploads.add(made)
    assert catalog.uploads.get(made.id) == made
    catalog.uploads.keep_sha256(made.id, "d" * 64)
    catalog.uploads.set_completes_at_length(made.id, True)
    assert catalog.uploads.get(made.id) == replace(made, sha256="d" * 64, completes_at_length=True)
    assert catalog.uploads.get(fresh_id()) is None


def test_a_target_is_kept_with_its_upload_and_its_answer_closes_it(catalog: Catalog) -> None:
    target = TargetRequest(
        method="POST", path="/api/x?y=%20z", content_type="multipart/form-data; boundary=Ä"
    )
    answer = TargetAnswer(
        status=200,
        fields=(("content-type", "text/plain"), ("x", "1"), ("x", "2")),
        body=b"\x00\xff",
    )
    made, plain = upload(kind=UploadKind.PARTIAL, target=target), upload()
    for each in (made, plain):
        catalog.uploads.add(each)
    assert catalog.uploads.target(made.id) == target
    assert catalog.uploads.target(plain.id) is None
    assert catalog.uploads.target_answer(made.id) is None
    for _ in range(2):
        catalog.uploads.keep_target_answer(made.id, answer)
        assert catalog.uploads.target_answer(made.id) == answer
        closed = catalog.uploads.get(made.id)
        assert closed is not None
        assert closed.state is UploadState.TERMINATED
    assert catalog.uploads.target_answer(plain.id) is None


def test_what_is_brought_together_is_done_or_not_each_by_itself(catalog: Catalog) -> None:
    born, unknown, plain = upload(), upload(), upload()

    def add_and_finish(together: Catalog) -> bool:
        together.uploads.add(born)
        return together.uploads.finish(content(born), is_video=False).first

    results = catalog.commit_all(
        [
            add_and_finish,
            lambda together: together.uploads.finish(content(unknown, "b" * 64), is_video=False),
            lambda together: together.uploads.add(plain),
        ]
    )
    assert results[0].result() is True
    assert isinstance(results[1].error, UploadNotFound)
    assert results[2].error is None
    found = catalog.uploads.get(born.id)
    assert found is not None
    assert found.state is UploadState.FINISHED
    assert catalog.uploads.get(unknown.id) is None
    assert catalog.uploads.get(plain.id) == plain


def test_a_deferred_length_is_declared_once(catalog: Catalog) -> None:
    made = upload(length=None)
    catalog.uploads.add(made)
    assert catalog.uploads.declare_length(made, 99)
    assert not catalog.uploads.declare_length(made, 100)
    found = catalog.uploads.get(made.id)
    assert found is not None
    assert found.length == 99


def test_finishing_makes_history_job_and_outbox_row_together(catalog: Catalog) -> None:
    made = upload(metadata_header="filename YS5tcDQ=")
    made = replace(made, metadata={"filename": b"a.mp4"})
    catalog.uploads.add(made)
    outcome = catalog.uploads.finish(content(made), is_video=True)
    assert (outcome.first, outcome.file) == (True, None)
    record = history(catalog, made.id)
    assert (record.status, record.filename, record.file_hash) == ("received", "a.mp4", "a" * 64)
    job = catalog.jobs.get(made.id)
    assert job is not None
    assert (job.state, job.fence, job.filename) == (JobState.QUEUED, 0, "a.mp4")
    ((_, message),) = catalog.jobs.pending_jobs(10)
    assert (message.task_id, message.is_video, message.file_size) == (made.id, True, 10)


@pytest.mark.parametrize("held", [False, True])
def test_an_upload_that_is_added_as_finished_is_as_one_that_was_finished(
    catalog: Catalog, held: bool
) -> None:
    if held:
        complete(catalog, finished(catalog))
    made, at_once = upload(metadata={"filename": b"a.mp4"}), upload(metadata={"filename": b"a.mp4"})
    catalog.uploads.add(made)
    expected = catalog.uploads.finish(content(made), is_video=True)
    outcome = catalog.uploads.add_finished(at_once, content(at_once), is_video=True, quota=None)
    assert outcome == expected
    assert (outcome.first, outcome.file is not None) == (True, held)
    upload_after, at_once_after = catalog.uploads.get(made.id), catalog.uploads.get(at_once.id)
    assert upload_after is not None
    assert at_once_after == replace(upload_after, id=at_once.id)
    first, second = history(catalog, made.id), history(catalog, at_once.id)
    ended = second.completed_at and first.completed_at
    assert second == replace(
        first, task_id=at_once.id, created_at=second.created_at, completed_at=ended
    )
    job, other_job = catalog.jobs.get(made.id), catalog.jobs.get(at_once.id)
    assert (job is None, other_job is None) == (held, held)
    if job is not None:
        assert other_job == replace(
            job, task_id=at_once.id, created_at=other_job.created_at, run_after=other_job.run_after
        )
    assert not catalog.uploads.due(10)
    assert not catalog.uploads.finish(content(at_once), is_video=True).first


def test_finishing_twice_changes_nothing(catalog: Catalog) -> None:
    task_id = finished(catalog)
    again = catalog.uploads.get(task_id)
    assert again is not None
    outcome = catalog.uploads.finish(content(again), is_video=True)
    assert not outcome.first
    assert len(catalog.jobs.pending_jobs(10)) == 1


def test_many_finishes_at_once_make_one_job(catalog: Catalog) -> None:
    made = upload()
    catalog.uploads.add(made)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        outcomes = list(
            pool.map(lambda _: catalog.uploads.finish(content(made), is_video=False), range(8))
        )
    assert sorted(outcome.first for outcome in outcomes) == [False] * 7 + [True]
    assert len(catalog.jobs.pending_jobs(10)) == 1


@pytest.mark.parametrize(
    ("state", "error"),
    [
        (UploadState.TERMINATED, UploadTerminated),
        (UploadState.REJECTED, UploadTerminated),
        (UploadState.EXPIRED, UploadExpired),
    ],
)
def test_what_was_closed_can_not_be_finished(
    catalog: Catalog, state: UploadState, error: type[Exception]
) -> None:
    made = upload()
    catalog.uploads.add(made)
    assert catalog.uploads.close(made.id, state)
    assert not catalog.uploads.close(made.id, state)
    with pytest.raises(error):
        catalog.uploads.finish(content(made), is_video=False)
    with pytest.raises(UploadNotFound):
        catalog.uploads.finish(content(upload()), is_video=False)


def test_content_the_scope_holds_is_complete_without_a_job(catalog: Catalog) -> None:
    first = finished(catalog)
    file = complete(catalog, first)
    made = upload()
    catalog.uploads.add(made)
    outcome = catalog.uploads.finish(content(made), is_video=True)
    assert outcome.file == file
    assert catalog.jobs.get(made.id) is None
    record = history(catalog, made.id)
    assert (record.status, record.repository_identity, record.duration) == (
        "completed",
        file.identity,
        0,
    )
    assert made.id in catalog.uploads.removable_sources()
    catalog.uploads.source_removed(made.id)
    assert made.id not in catalog.uploads.removable_sources()


def test_uploads_of_other_owners_are_not_disclosed(catalog: Catalog) -> None:
    """Hole 6: a client that knows or has a hash gets nothing of another owner's."""
    first = finished(catalog)
    complete(catalog, first)
    made = upload(OTHER)
    catalog.uploads.add(made)
    assert catalog.uploads.finish(content(made), is_video=True).file is None
    assert catalog.objects.file_by_hash(owner_scope(OTHER), "a" * 64) is None


def test_closing_an_upload_cancels_its_job(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    assert catalog.uploads.close(task_id, UploadState.TERMINATED)
    with pytest.raises(LeaseLost):
        catalog.jobs.complete(task_id, fence=fence, stored=STORED)
    assert catalog.objects.file_by_hash(owner_scope(ME), "a" * 64) is None
    assert task_id in catalog.uploads.removable_sources()


def test_only_what_may_have_something_due_is_looked_at(catalog: Catalog, clock: FakeClock) -> None:
    now = clock.now()
    made = [replace(upload(), created_at=now + number) for number in range(3)]
    part = replace(upload(kind=UploadKind.PARTIAL), created_at=now)
    for each in (*made, part):
        catalog.uploads.add(each)
    clock.advance(2)
    assert {found.id for found in catalog.uploads.due(10)} == {each.id for each in (*made, part)}
    assert next(found.id for found in catalog.uploads.due(2)) in (made[0].id, part.id)
    catalog.uploads.examine_again({each.id: clock.now() + 10 for each in (*made, part)})
    assert catalog.uploads.due(10) == []
    catalog.uploads.examine_again({})
    clock.advance(11)
    catalog.uploads.finish_partial(part.id, "d" * 64)
    catalog.uploads.finish(content(made[0]), is_video=False)
    catalog.uploads.close(made[1].id, UploadState.EXPIRED)
    assert {found.id for found in catalog.uploads.due(10)} == {made[2].id, part.id}
    catalog.uploads.examine_again({part.id: None})
    clock.jump(-365 * 86400)
    assert [found.id for found in catalog.uploads.due(10)] == [made[2].id], (
        "set by a clock that was wrong"
    )


def test_parts_and_finals_find_each_other(catalog: Catalog) -> None:
    part = upload(kind=UploadKind.PARTIAL)
    final = upload(kind=UploadKind.FINAL, parts=(part.id,), length=None)
    for made in (part, final):
        catalog.uploads.add(made)
    assert [found.id for found in catalog.uploads.finals_of(part.id)] == [final.id]
    assert set(catalog.uploads.receiving()) == {part.id, final.id}
    catalog.uploads.finish_partial(part.id, "d" * 64)
    assert part.id in [found.id for found in catalog.uploads.due(10)]
    assert catalog.jobs.get(part.id) is None
    catalog.uploads.close(final.id, UploadState.EXPIRED)
    assert catalog.uploads.finals_of(part.id) == []


def test_a_part_is_joined_once_its_whole_is_finished_and_no_other_waits(
    catalog: Catalog, clock: FakeClock
) -> None:
    part = upload(kind=UploadKind.PARTIAL, created_at=clock.now())
    finals = [
        upload(kind=UploadKind.FINAL, parts=(part.id,), created_at=clock.now() + later)
        for later in (-1, 5000)
    ]
    theirs = upload(OTHER, kind=UploadKind.FINAL, parts=(part.id,), created_at=clock.now())
    for made in (part, theirs, *finals):
        catalog.uploads.add(made)
    catalog.uploads.finish_partial(part.id, "d" * 64)

    def is_joined() -> bool:
        return catalog.uploads.is_joined(part, before=clock.now() - 3600)

    assert not is_joined()
    catalog.uploads.finish(content(finals[0]), is_video=False)
    clock.advance(3599)
    assert not is_joined()
    clock.advance(2)
    assert not is_joined(), "another final upload waits"
    catalog.uploads.close(finals[1].id, UploadState.EXPIRED)
    assert is_joined()
    catalog.uploads.close(finals[0].id, UploadState.TERMINATED)
    assert not is_joined()


def test_files_are_ones_own_newest_first(catalog: Catalog) -> None:
    mine = []
    for number in range(5):
        made = replace(upload(), created_at=1000.0 + number)
        catalog.uploads.add(made)
        mine.append(made.id)
    finished(catalog, user=OTHER)
    total, page = catalog.uploads.files(ME, FileQuery(), ListPosition(skipped=2), size=2)
    assert total == 5
    assert [row.task_id for row in page] == [mine[2], mine[1]]
    last = (page[-1].created_at, page[-1].task_id)
    total, rest = catalog.uploads.files(ME, FileQuery(), ListPosition(after=last), size=2)
    assert (total, [row.task_id for row in rest]) == (5, [mine[0]])
    by_id = FileQuery(id_prefix=mine[3][:12])
    total, page = catalog.uploads.files(ME, by_id, ListPosition(), size=2)
    assert (total, [row.task_id for row in page]) == (1, [mine[3]])


def test_files_are_found_by_their_folder(catalog: Catalog) -> None:
    paths = [
        "Photos/b.txt",
        "photos/a.txt",
        "photos/2024/a.txt",
        "photos2/a.txt",
        "pho%os/a.txt",
        "é/é.txt",
    ]
    for path in paths:
        catalog.uploads.add(upload(metadata={"relativePath": path.encode()}))
    catalog.uploads.add(upload(metadata={"relativePath": b"../photos/a.txt"}))
    for query, expected in (
        (FileQuery(folder="photos"), paths[1:3]), (FileQuery(folder="photos/2024"), paths[2:3]),
        (FileQuery(folder="Photos"), paths[:1]), (FileQuery(folder="photo"), []), (FileQuery(folder="pho%os"), paths[4:5]),
        (FileQuery(folder="é"), paths[5:]), (FileQuery(name="OS/B"), paths[:1]),
        (FileQuery(name="\0"), []), (FileQuery(name="OS/B\0"), []), (FileQuery(folder="\0"), []),
        (FileQuery(folder="photos\0"), []), (FileQuery(folder="photos/\0"), []),
    ):  # fmt: skip
        total, rows = catalog.uploads.files(ME, query, ListPosition(), size=9)
        assert {row.relative_path for row in rows} == set(expected), query
        assert total == len(expected)


def test_files_of_one_moment_have_an_order(catalog: Catalog) -> None:
    made = sorted(finished(catalog, f"{number}" * 64) for number in range(5))
    seen: list[UploadId] = []
    position = ListPosition()
    while page := catalog.uploads.files(ME, FileQuery(), position, size=2)[1]:
        seen += [row.task_id for row in page]
        position = ListPosition(after=(page[-1].created_at, page[-1].task_id))
    assert seen == made


def test_a_file_is_listed_in_the_state_of_its_upload(catalog: Catalog, clock: FakeClock) -> None:
    """A deleted file and a part are not listed, what has ended without a file is failed."""
    states: dict[UploadId, tuple[str, FileState]] = {}
    for state in (UploadState.RECEIVING, UploadState.EXPIRED, UploadState.REJECTED):
        made = upload(metadata={"filename": f"Name {state}".encode()})
        catalog.uploads.add(made)
        if state is UploadState.RECEIVING:
            states[made.id] = ("pending", FileState.RECEIVING)
        else:
            catalog.uploads.close(made.id, state)
            states[made.id] = ("failed", FileState.FAILED)
    states[finished(catalog, "1" * 64)] = ("received", FileState.PROCESSING)
    whole = finished(catalog, "2" * 64)
    complete(catalog, whole)
    states[whole] = ("completed", FileState.COMPLETED)
    catalog.uploads.add(upload(kind=UploadKind.PARTIAL))
    deleted = upload()
    catalog.uploads.add(deleted)
    catalog.uploads.close(deleted.id, UploadState.TERMINATED)
    total, rows = catalog.uploads.files(ME, FileQuery(), ListPosition(), size=100)
    assert total == len(states)
    assert {row.task_id: row.status for row in rows} == {
        task_id: status for task_id, (status, _) in states.items()
    }
    for state in FileState:
        total, rows = catalog.uploads.files(ME, FileQuery(state=state), ListPosition(), size=100)
        expected = {task_id for task_id, (_, selected) in states.items() if selected is state}
        assert (total, {row.task_id for row in rows}) == (len(expected), expected)
    for part, count in (("name r", 2), ("NAME", 3), ("%", 0), ("_", 0)):
        assert catalog.uploads.files(ME, FileQuery(name=part), ListPosition(), size=9)[0] == count
    (ended,) = catalog.uploads.files(
        ME, FileQuery(ended_from=clock.now() - 1), ListPosition(), size=9
    )[1]
    assert ended.task_id == whole
    assert ended.completed_at is not None
    for moment, count in ((1000.5, 0), (1000.0, len(states))):
        query = FileQuery(created_from=moment)
        assert catalog.uploads.files(ME, query, ListPosition(), size=9)[0] == count
        query = FileQuery(created_before=moment)
        found = catalog.uploads.files(ME, query, ListPosition(), size=9)[0]
        assert found == len(states) - count


def test_what_has_ended_without_a_file_leaves_the_list_by_a_deletion(catalog: Catalog) -> None:
    for state in (UploadState.EXPIRED, UploadState.REJECTED):
        made = upload()
        catalog.uploads.add(made)
        assert catalog.uploads.close(made.id, state)
        assert not catalog.uploads.close(made.id, UploadState.TERMINATED)
        assert catalog.uploads.files(ME, FileQuery(), ListPosition(), size=9) == (0, [])


def test_any_number_of_parts_is_kept(catalog: Catalog) -> None:
    """Settings allow more of them than a column of 64 KiB takes."""
    parts = tuple(fresh_id() for _ in range(3000))
    made = upload(
        kind=UploadKind.FINAL,
        parts=parts,
        concat_header="final;" + " ".join(f"/files/{part}" for part in parts),
    )
    catalog.uploads.add(made)
    found = catalog.uploads.get(made.id)
    assert found is not None
    assert (found.parts, found.concat_header) == (made.parts, made.concat_header)
