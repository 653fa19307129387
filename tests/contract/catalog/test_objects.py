"""Every catalog keeps these promises: objects that are being stored and removed.

The port is ``ObjectRepository``.
"""

import concurrent.futures
from dataclasses import replace
from pathlib import Path

import pytest
from support.catalog import STORED, claimed, complete, finished
from support.clock import FakeClock
from support.ids import ME

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.sql_catalog import SqlCatalog, sqlite_url
from tusd_py.catalog.values import FileQuery, ListPosition, StoredContent
from tusd_py.domain.errors import (
    LeaseLost,
    TransientError,
)
from tusd_py.domain.ids import UploadId
from tusd_py.domain.job import JobState
from tusd_py.domain.multipart import Multipart, Part
from tusd_py.domain.upload import UploadState

MULTIPART = Multipart(key=STORED.object_key, upload_id="u" * 300, part_size=16 << 20)


def part(number: int, etag: str = "e") -> Part:
    return Part(number=number, size=16 << 20, etag=etag, checksum=str(2**64 - number))


def test_files_of_the_pool_are_found_by_their_identities(catalog: Catalog) -> None:
    for digit in "ab":
        complete(catalog, finished(catalog, digit * 64))
    uploads = catalog.uploads.files(ME, FileQuery(), ListPosition(), size=9)[1]
    identities = [row.repository_identity for row in uploads]
    found = catalog.objects.files([*identities, "none"])
    assert found == {identity: catalog.objects.file(identity) for identity in identities}
    assert len(found) == 2
    assert catalog.objects.files([]) == {}


def test_parts_are_remembered_for_the_next_attempt(catalog: Catalog, clock: FakeClock) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    assert catalog.objects.multipart(task_id) is None
    catalog.objects.begin_multipart(task_id, fence=fence, multipart=MULTIPART)
    assert catalog.objects.multipart(task_id) == MULTIPART
    for number in (2, 1, 2):
        catalog.objects.add_part(task_id, fence=fence, part=part(number))
    clock.advance(61)
    catalog.jobs.reap(max_crashes=3)
    again = claimed(catalog, task_id)
    held = replace(MULTIPART, parts=(part(1), part(2)))
    assert catalog.objects.multipart(task_id) == held
    with pytest.raises(LeaseLost):
        catalog.objects.add_part(task_id, fence=fence, part=part(3))
    with pytest.raises(LeaseLost):
        catalog.objects.forget_multipart(task_id, fence=fence)
    assert catalog.objects.multipart(task_id) == held
    other = replace(MULTIPART, key="pool/cc/" + "c" * 64, upload_id="v")
    with pytest.raises(LeaseLost):
        catalog.objects.begin_multipart(task_id, fence=fence, multipart=other)
    catalog.objects.begin_multipart(task_id, fence=again, multipart=other)
    assert catalog.objects.multipart(task_id) == other


def test_parts_of_one_job_are_not_those_of_another(catalog: Catalog) -> None:
    tasks = [finished(catalog, digit * 64) for digit in "ab"]
    for number, task_id in enumerate(tasks, 1):
        fence = claimed(catalog, task_id)
        catalog.objects.begin_multipart(
            task_id, fence=fence, multipart=replace(MULTIPART, upload_id=str(number))
        )
        catalog.objects.add_part(task_id, fence=fence, part=part(number))
    held = [catalog.objects.multipart(task_id) for task_id in tasks]
    assert [found.parts for found in held if found] == [(part(1),), (part(2),)]
    assert set(catalog.objects.multipart_ids()) == {"1", "2"}


def test_a_completed_job_holds_no_parts(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    catalog.objects.begin_multipart(task_id, fence=fence, multipart=MULTIPART)
    catalog.objects.add_part(task_id, fence=fence, part=part(1))
    assert set(catalog.objects.multipart_ids()) == {MULTIPART.upload_id}
    catalog.jobs.complete(task_id, fence=fence, stored=STORED)
    assert catalog.objects.multipart(task_id) is None
    assert set(catalog.objects.multipart_ids()) == set()


def test_a_forgotten_multipart_is_gone(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    catalog.objects.begin_multipart(task_id, fence=fence, multipart=MULTIPART)
    catalog.objects.forget_multipart(task_id, fence=fence)
    catalog.objects.forget_multipart(task_id, fence=fence)
    assert catalog.objects.multipart(task_id) is None


def test_parts_of_a_cancelled_job_belong_to_no_job(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    catalog.objects.begin_multipart(task_id, fence=fence, multipart=MULTIPART)
    catalog.objects.add_part(task_id, fence=fence, part=part(1))
    catalog.uploads.close(task_id, UploadState.TERMINATED)
    assert set(catalog.objects.multipart_ids()) == set()
    assert catalog.objects.multipart(task_id) is None


@pytest.mark.parametrize("drops", [True, False], ids=["dropped", "terminated"])
def test_parts_of_a_dead_letter_stay_until_it_is_given_up(catalog: Catalog, drops: bool) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    catalog.objects.begin_multipart(task_id, fence=fence, multipart=MULTIPART)
    catalog.objects.add_part(task_id, fence=fence, part=part(1))
    catalog.jobs.fail(task_id, fence=fence, error_code="x", error_msg="why")
    assert catalog.objects.multipart(task_id) == replace(MULTIPART, parts=(part(1),))
    if drops:
        assert catalog.jobs.drop_failed(task_id)
    else:
        catalog.uploads.close(task_id, UploadState.TERMINATED)
    assert catalog.objects.multipart(task_id) is None
    assert set(catalog.objects.multipart_ids()) == set()


def test_a_catalog_has_a_name_of_its_own(catalog: Catalog, tmp_path: Path) -> None:
    other = SqlCatalog(sqlite_url(tmp_path / "other.sqlite3"))
    again = SqlCatalog(sqlite_url(tmp_path / "other.sqlite3"))
    assert other.objects.identity() == again.objects.identity() != catalog.objects.identity()
    assert len(catalog.objects.identity()) == 36
    other.close()
    again.close()


def test_what_the_pool_points_at_is_not_condemned(catalog: Catalog) -> None:
    task_id = finished(catalog)
    complete(catalog, task_id)
    assert not catalog.objects.condemn(STORED.object_key)
    assert catalog.objects.claim(STORED.object_key)


def test_nothing_comes_to_point_at_a_condemned_object(catalog: Catalog) -> None:
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    assert catalog.objects.claim(STORED.object_key)
    assert catalog.objects.condemn(STORED.object_key)
    assert not catalog.objects.claim(STORED.object_key)
    with pytest.raises(TransientError):
        catalog.jobs.complete(task_id, fence=fence, stored=STORED)
    job = catalog.jobs.get(task_id)
    assert job is not None
    assert job.state is JobState.RUNNING
    catalog.objects.removed(STORED.object_key)
    with pytest.raises(TransientError):
        catalog.jobs.complete(task_id, fence=fence, stored=STORED)
    assert catalog.objects.claim(STORED.object_key)
    assert (
        catalog.jobs.complete(task_id, fence=fence, stored=STORED).object_key == STORED.object_key
    )


def test_an_object_may_be_condemned_again(catalog: Catalog) -> None:
    assert catalog.objects.condemn(STORED.object_key)
    assert catalog.objects.condemn(STORED.object_key)
    catalog.objects.removed(STORED.object_key)
    assert catalog.objects.condemn(STORED.object_key)
    assert not catalog.objects.claim(STORED.object_key)


def test_recording_and_condemning_an_object_at_once_never_both_succeed(catalog: Catalog) -> None:
    for round_ in range(10):
        task_id = finished(catalog, f"{round_:x}" * 64)
        fence = claimed(catalog, task_id)
        key = f"pool/ee/{round_:064d}"
        stored = replace(STORED, object_key=key)

        def record(
            task_id: UploadId = task_id, fence: int = fence, stored: StoredContent = stored
        ) -> bool:
            try:
                catalog.jobs.complete(task_id, fence=fence, stored=stored)
            except TransientError:
                return False
            return True

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            condemned = pool.submit(catalog.objects.condemn, key)
            recorded = pool.submit(record)
        assert condemned.result() != recorded.result()
