"""Every catalog keeps these promises: instant uploads, and the references of the pool."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from support.catalog import STORED, claimed, complete, content, finished, history, upload
from support.ids import ME, OTHER

from tusd_py.catalog.port import Catalog
from tusd_py.domain.errors import UploadTerminated
from tusd_py.domain.file import File
from tusd_py.domain.ids import UploadId, owner_scope
from tusd_py.domain.upload import Upload, UploadState
from tusd_py.storage.port import UploadExists

HASH = "a" * 64
MINE = owner_scope(ME)


def stored(catalog: Catalog, file_hash: str = HASH) -> UploadId:
    """Return an upload of ten bytes that the pipeline has completed."""
    task_id = finished(catalog, file_hash)
    complete(catalog, task_id)
    return task_id


def held(catalog: Catalog) -> File | None:
    return catalog.objects.file_by_hash(MINE, HASH)


def test_a_held_hash_makes_an_upload_that_is_finished_at_birth(catalog: Catalog) -> None:
    stored(catalog)
    made = upload(declared_hash=HASH)
    file = catalog.uploads.add_instant(made, MINE)
    assert file == held(catalog)
    found = catalog.uploads.get(made.id)
    assert found is not None
    assert file is not None
    assert (found.state, found.instant, found.file_identity, found.file_hash) == (
        UploadState.FINISHED, True, file.identity, HASH,
    )  # fmt: skip
    record = history(catalog, made.id)
    assert (record.status, record.oss_path) == ("completed", file.path)
    assert catalog.jobs.get(made.id) is None
    assert made.id not in catalog.uploads.removable_sources()
    assert made.id in [outcome.history.task_id for _, outcome in catalog.jobs.pending_outcomes(10)]


def test_an_id_is_recorded_once(catalog: Catalog) -> None:
    stored(catalog)
    instant, sent = upload(declared_hash=HASH), upload()
    catalog.uploads.add_instant(instant, MINE)
    catalog.uploads.add(sent)
    for taken in (instant, replace(instant, id=sent.id)):
        with pytest.raises(UploadExists):
            catalog.uploads.add_instant(taken, MINE)
    for taken in (sent, replace(sent, id=instant.id)):
        with pytest.raises(UploadExists):
            catalog.uploads.add(taken)
    found = catalog.uploads.get(instant.id)
    assert found is not None
    assert found.instant
    assert history(catalog, instant.id).status == "completed"


@pytest.mark.parametrize(
    "change",
    [{"length": 9}, {"length": None}, {"declared_hash": "b" * 64}, {"declared_hash": None}],
)
def test_what_is_not_held_like_that_leaves_nothing(
    catalog: Catalog, change: dict[str, object]
) -> None:
    stored(catalog)
    made = upload(**{"declared_hash": HASH, **change})
    assert catalog.uploads.add_instant(made, MINE) is None
    assert catalog.uploads.get(made.id) is None
    assert catalog.uploads.outcome(made.id) is None


def test_others_files_are_not_looked_at(catalog: Catalog) -> None:
    stored(catalog)
    made = upload(OTHER, declared_hash=HASH)
    assert catalog.uploads.add_instant(made, owner_scope(OTHER)) is None


def test_content_that_is_not_in_the_pool_yet_is_not_held(catalog: Catalog) -> None:
    finished(catalog)
    assert catalog.uploads.add_instant(upload(declared_hash=HASH), MINE) is None


def test_an_upload_on_its_way_is_completed_by_its_hash(catalog: Catalog) -> None:
    stored(catalog)
    made = upload(declared_hash=HASH)
    catalog.uploads.add(made)
    file = catalog.uploads.finish_instant(made, MINE)
    assert file == held(catalog)
    assert catalog.uploads.finish_instant(made, MINE) is None, "once"
    found = catalog.uploads.get(made.id)
    assert found is not None
    assert (found.state, found.instant) == (UploadState.FINISHED, True)
    assert made.id in catalog.uploads.removable_sources()
    # An upload of the same bytes that finishes later finds the file stored.
    assert not catalog.uploads.finish(content(made), is_video=False).first


def test_a_closed_upload_is_not_completed_by_its_hash(catalog: Catalog) -> None:
    stored(catalog)
    made = upload(declared_hash=HASH)
    catalog.uploads.add(made)
    catalog.uploads.close(made.id, UploadState.TERMINATED)
    with pytest.raises(UploadTerminated):
        catalog.uploads.finish_instant(made, MINE)


def test_a_hash_is_declared_once(catalog: Catalog) -> None:
    made = upload()
    catalog.uploads.add(made)
    assert catalog.uploads.declare_hash(made.id, HASH)
    assert catalog.uploads.declare_hash(made.id, HASH)
    assert not catalog.uploads.declare_hash(made.id, "b" * 64)
    found = catalog.uploads.get(made.id)
    assert found is not None
    assert found.declared_hash == HASH


def _instant(catalog: Catalog) -> UploadId:
    made = upload(declared_hash=HASH)
    assert catalog.uploads.add_instant(made, MINE) is not None
    return made.id


def _in_full(catalog: Catalog) -> UploadId:
    made: Upload = upload()
    catalog.uploads.add(made)
    assert catalog.uploads.finish(content(made), is_video=False).file is not None
    return made.id


@pytest.mark.parametrize("second", [_instant, _in_full])
def test_a_file_leaves_the_pool_with_its_last_upload(
    catalog: Catalog, second: Callable[[Catalog], UploadId]
) -> None:
    first = stored(catalog)
    other = second(catalog)
    catalog.uploads.close(first, UploadState.TERMINATED)
    assert held(catalog) is not None
    assert list(catalog.objects.keys()) == [STORED.object_key]
    catalog.uploads.close(other, UploadState.TERMINATED)
    assert held(catalog) is None
    assert list(catalog.objects.keys()) == []
    assert catalog.uploads.add_instant(upload(declared_hash=HASH), MINE) is None


def test_a_job_of_equal_content_keeps_what_another_upload_left(catalog: Catalog) -> None:
    first, second = finished(catalog), finished(catalog)
    complete(catalog, first)
    catalog.jobs.complete(second, fence=claimed(catalog, second), stored=None)
    catalog.uploads.close(first, UploadState.TERMINATED)
    assert held(catalog) is not None
    catalog.uploads.close(second, UploadState.TERMINATED)
    assert held(catalog) is None


def test_an_upload_that_was_deleted_while_its_job_ran_points_at_nothing(catalog: Catalog) -> None:
    task_id = finished(catalog)
    catalog.uploads.close(task_id, UploadState.TERMINATED)
    assert held(catalog) is None
    again = stored(catalog)
    assert held(catalog) is not None
    catalog.uploads.close(again, UploadState.TERMINATED)
    assert held(catalog) is None
