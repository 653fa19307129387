"""Every catalog keeps these promises: renditions belong to their pool entry and count with it."""

import os
from dataclasses import replace

import pytest
from support.catalog import STORED, claimed, complete, content, finished, upload
from support.ids import ME, OTHER

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.values import StoredContent
from tusd_py.domain.errors import QuotaExceeded, TransientError
from tusd_py.domain.file import File
from tusd_py.domain.ids import UploadId, owner_scope
from tusd_py.domain.job import Checkpoint
from tusd_py.domain.ownership_proof import Question, Terms
from tusd_py.domain.quota import Quota
from tusd_py.domain.rendition import ProducedFile, Rendition
from tusd_py.domain.upload import UploadState

HASH = "a" * 64


def rendition(name: str, digit: str, size: int = 20) -> Rendition:
    return Rendition(
        name=name, object_key=f"pool/{digit * 2}/{digit * 64}", path=f"/pool/{digit}",
        hash=digit * 64, size=size, content_type="image/webp", ext=".webp",
        facts={"width": 320, "text": "字"},
    )  # fmt: skip


BESIDE = (rendition("original", "c", 10), rendition("poster", "d", 7))
WITH_RENDITIONS = replace(STORED, facts={"duration": 2.5}, renditions=BESIDE)


def completed(catalog: Catalog, task_id: UploadId, stored: StoredContent = WITH_RENDITIONS) -> File:
    return complete(catalog, task_id, stored)


def test_renditions_and_facts_are_kept_with_their_file(catalog: Catalog) -> None:
    file = completed(catalog, finished(catalog))
    assert file.facts == {"duration": 2.5}
    assert file.extra_size == 3 + 10 + 7 - 10
    assert catalog.objects.renditions(file.identity) == list(BESIDE)
    assert catalog.objects.renditions("none") == []
    keys = {STORED.object_key, *(one.object_key for one in BESIDE)}
    assert set(catalog.objects.keys()) == keys
    assert not any(catalog.objects.condemn(key) for key in keys)


def test_renditions_leave_the_pool_with_their_file(catalog: Catalog) -> None:
    task_id = finished(catalog)
    file = completed(catalog, task_id)
    other = finished(catalog, user=OTHER)
    completed(catalog, other, replace(STORED, renditions=BESIDE[:1]))
    catalog.uploads.close(task_id, UploadState.TERMINATED)
    assert catalog.objects.renditions(file.identity) == []
    assert not catalog.objects.condemn(BESIDE[0].object_key), "another owner's file points at it"
    assert catalog.objects.condemn(BESIDE[1].object_key)


def test_a_collected_rendition_is_put_again_before_its_file_is_recorded(catalog: Catalog) -> None:
    task_id = finished(catalog)
    assert catalog.objects.condemn(BESIDE[1].object_key)
    fence = claimed(catalog, task_id)
    with pytest.raises(TransientError):
        catalog.jobs.complete(task_id, fence=fence, stored=WITH_RENDITIONS)
    assert catalog.objects.file_by_hash(owner_scope(ME), HASH) is None
    catalog.objects.removed(BESIDE[1].object_key)
    assert catalog.objects.claim(BESIDE[1].object_key)
    file = catalog.jobs.complete(task_id, fence=fence, stored=WITH_RENDITIONS)
    assert catalog.objects.renditions(file.identity) == list(BESIDE)


def test_what_is_kept_beyond_what_was_sent_counts(catalog: Catalog) -> None:
    first = finished(catalog)
    assert catalog.uploads.usage(ME).stored_bytes == 10
    file = completed(catalog, first)
    assert catalog.uploads.usage(ME).stored_bytes == 10 + file.extra_size
    held = upload(declared_hash=HASH)
    full = Quota(open_uploads=None, stored_bytes=39)
    with pytest.raises(QuotaExceeded):
        catalog.uploads.add_instant(held, owner_scope(ME), full)
    assert catalog.uploads.add_instant(held, owner_scope(ME)) == file
    late = upload()
    catalog.uploads.add(late)
    assert catalog.uploads.finish(content(late), is_video=False).file == file
    assert catalog.uploads.usage(ME).stored_bytes == 3 * (10 + file.extra_size)
    catalog.uploads.close(first, UploadState.TERMINATED)
    assert catalog.uploads.usage(ME).stored_bytes == 2 * (10 + file.extra_size)
    assert catalog.objects.renditions(file.identity) == list(BESIDE)


def test_an_entry_smaller_than_what_was_sent_counts_as_what_was_sent(catalog: Catalog) -> None:
    assert completed(catalog, finished(catalog), STORED).extra_size == 0
    assert catalog.uploads.usage(ME).stored_bytes == 10


def test_a_proof_gives_the_renditions_too(catalog: Catalog) -> None:
    theirs = completed(catalog, finished(catalog, user=OTHER))
    posed = Question(nonce=os.urandom(16), answer=os.urandom(32))
    catalog.ownership.add_questions(HASH, [posed])
    terms = Terms(owners=1, tenant=None, filename=None, challenges_per_hour=9)
    mine = upload(declared_hash=HASH)
    catalog.uploads.add(mine)
    catalog.ownership.challenge(mine, terms, Question(nonce=os.urandom(16), answer=os.urandom(32)))
    file = catalog.ownership.prove(mine, terms, posed.answer)
    assert file is not None
    assert file.identity != theirs.identity
    assert catalog.objects.renditions(file.identity) == list(BESIDE)
    assert catalog.uploads.usage(ME).stored_bytes == 10 + file.extra_size
    catalog.uploads.close(mine.id, UploadState.TERMINATED)
    assert catalog.objects.renditions(theirs.identity) == list(BESIDE)


def test_storage_counts_each_object_once(catalog: Catalog) -> None:
    completed(catalog, finished(catalog))
    completed(catalog, finished(catalog, user=OTHER))
    storage = catalog.operations.storage()
    assert (storage.files, storage.objects) == (2, 3)
    assert (storage.object_bytes, storage.source_bytes) == (3 + 10 + 7, 10)


def test_long_facts_are_kept_whole(catalog: Catalog) -> None:
    """A column of MySQL's type TEXT takes 64 KiB."""
    facts = {"text": "字" * 100_000}
    poster = replace(BESIDE[1], facts=facts)
    outputs = tuple(
        ProducedFile(
            name=f"subtitles-{number}-und",
            path="1/x",
            hash="c" * 64,
            size=1,
            content_type="text/vtt",
            ext=".vtt",
            facts={"title": "字" * 200},
        )
        for number in range(100)
    )
    task_id = finished(catalog)
    fence = claimed(catalog, task_id)
    checkpoint = Checkpoint(outputs=outputs, facts=facts)
    catalog.jobs.save_checkpoint(task_id, fence=fence, checkpoint=checkpoint)
    job = catalog.jobs.get(task_id)
    assert job is not None
    assert job.checkpoint == checkpoint
    stored = replace(STORED, facts=facts, renditions=(poster,))
    file = catalog.jobs.complete(task_id, fence=fence, stored=stored)
    assert file.facts == facts
    assert catalog.objects.renditions(file.identity) == [poster]
