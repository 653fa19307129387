"""Every catalog keeps these promises: no owner exceeds the quota, even through several servers."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support.catalog import complete, content, upload
from support.clock import FakeClock
from support.ids import ME, OTHER

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.sql_catalog import SqlCatalog
from tusd_py.domain.errors import QuotaExceeded, TooManyFiles, TooManyUploads, UploadNotFound
from tusd_py.domain.ids import owner_scope
from tusd_py.domain.quota import Quota, Usage
from tusd_py.domain.upload import UploadKind, UploadState

HASH = "a" * 64
BYTES = Quota(open_uploads=None, stored_bytes=25)
TWO = Quota(open_uploads=2, stored_bytes=None)


@pytest.fixture
def servers(catalog: Catalog, clock: FakeClock) -> Iterator[Sequence[Catalog]]:
    """Return two servers of one database."""
    assert isinstance(catalog, SqlCatalog)
    second = SqlCatalog(catalog._database.engine.url, clock=clock)
    yield catalog, second
    second.close()


def test_bytes_are_reserved_when_an_upload_is_made(catalog: Catalog) -> None:
    for _ in range(2):
        catalog.uploads.add(upload(), BYTES)
    refused = upload()
    with pytest.raises(QuotaExceeded):
        catalog.uploads.add(refused, BYTES)
    assert catalog.uploads.get(refused.id) is None
    assert catalog.uploads.usage(ME) == Usage(2, 20, 2)
    catalog.uploads.add(upload(length=5), BYTES)
    catalog.uploads.add(upload(OTHER), BYTES)
    assert catalog.uploads.usage(ME) == Usage(3, 25, 3)


@pytest.mark.parametrize(
    "state", [UploadState.TERMINATED, UploadState.EXPIRED, UploadState.REJECTED]
)
def test_what_is_gone_makes_room(catalog: Catalog, state: UploadState) -> None:
    made = upload(length=25)
    catalog.uploads.add(made, BYTES)
    catalog.uploads.close(made.id, state)
    assert catalog.uploads.usage(ME) == Usage(0, 0, 0)
    catalog.uploads.add(upload(length=25), BYTES)


def test_finished_uploads_are_no_longer_open_and_still_count(catalog: Catalog) -> None:
    made = upload()
    catalog.uploads.add(made, TWO)
    catalog.uploads.finish(content(made, HASH), is_video=False)
    assert catalog.uploads.usage(ME) == Usage(0, 10, 1)
    catalog.uploads.add(upload(), TWO)
    catalog.uploads.add(upload(), TWO)
    with pytest.raises(TooManyUploads):
        catalog.uploads.add(upload(), TWO)


def test_an_upload_that_is_added_as_finished_counts_as_open_first(catalog: Catalog) -> None:
    for _ in range(2):
        catalog.uploads.add(upload(), TWO)
    refused = upload()
    with pytest.raises(TooManyUploads):
        catalog.uploads.add_finished(refused, content(refused, HASH), is_video=False, quota=TWO)
    assert catalog.uploads.get(refused.id) is None
    assert catalog.uploads.outcome(refused.id) is None
    large = upload(length=6)
    with pytest.raises(QuotaExceeded):
        catalog.uploads.add_finished(large, content(large, HASH), is_video=False, quota=BYTES)
    fits = upload(length=5)
    catalog.uploads.add_finished(fits, content(fits, HASH), is_video=False, quota=BYTES)
    assert catalog.uploads.usage(ME) == Usage(2, 25, 3)


def test_an_instant_upload_counts_its_size(catalog: Catalog) -> None:
    made = upload()
    catalog.uploads.add(made)
    catalog.uploads.finish(content(made, HASH), is_video=False)
    complete(catalog, made.id)
    scope = owner_scope(ME)
    assert catalog.uploads.add_instant(upload(declared_hash=HASH), scope, BYTES) is not None
    refused = upload(declared_hash=HASH)
    with pytest.raises(QuotaExceeded):
        catalog.uploads.add_instant(refused, scope, BYTES)
    assert catalog.uploads.get(refused.id) is None
    assert catalog.uploads.outcome(refused.id) is None
    assert catalog.uploads.usage(ME) == Usage(0, 20, 2)


def test_a_deferred_length_is_reserved_when_it_is_sent(catalog: Catalog) -> None:
    catalog.uploads.add(upload(length=20), BYTES)
    made = upload(length=None)
    catalog.uploads.add(made, BYTES)
    with pytest.raises(QuotaExceeded):
        catalog.uploads.declare_length(made, 6, BYTES)
    assert catalog.uploads.get(made.id) == made
    assert catalog.uploads.declare_length(made, 5, BYTES)
    assert catalog.uploads.usage(ME) == Usage(2, 25, 2)


def test_bytes_of_unknown_length_are_granted_and_count(catalog: Catalog) -> None:
    made = upload(length=None)
    catalog.uploads.add(made, BYTES)
    assert catalog.uploads.reserve_quota(made, end=10, ahead=0, limit=25) == 10
    assert catalog.uploads.usage(ME) == Usage(1, 10, 1)
    with pytest.raises(QuotaExceeded):
        catalog.uploads.add(upload(length=16), BYTES)
    catalog.uploads.add(upload(length=10), BYTES)
    assert catalog.uploads.reserve_quota(made, end=20, ahead=0, limit=25) == 15, (
        "all bytes that were free"
    )
    assert catalog.uploads.reserve_quota(made, end=20, ahead=0, limit=25) == 15
    assert catalog.uploads.reserve_quota(made, end=12, ahead=0, limit=25) == 15
    assert catalog.uploads.usage(ME) == Usage(2, 25, 2)
    catalog.uploads.set_reserved(made.id, 12)
    assert catalog.uploads.usage(ME) == Usage(2, 22, 2)
    assert catalog.uploads.get(made.id) == replace(made, granted=12)
    assert catalog.uploads.usage(OTHER) == Usage(0, 0, 0)


def test_little_is_granted_ahead_when_little_is_left(catalog: Catalog) -> None:
    made = upload(length=None)
    catalog.uploads.add(made)
    assert catalog.uploads.reserve_quota(made, end=1, ahead=100, limit=10_000) == 101
    assert catalog.uploads.reserve_quota(made, end=200, ahead=100, limit=300) == 224


def test_a_declared_length_takes_the_place_of_the_grant(catalog: Catalog) -> None:
    made = upload(length=None)
    catalog.uploads.add(made)
    catalog.uploads.reserve_quota(made, end=20, ahead=0, limit=25)
    assert catalog.uploads.declare_length(made, 22, BYTES)
    assert catalog.uploads.usage(ME) == Usage(1, 22, 1)
    catalog.uploads.set_reserved(made.id, 3)
    assert catalog.uploads.usage(ME) == Usage(1, 22, 1)
    with pytest.raises(UploadNotFound):
        catalog.uploads.reserve_quota(made, end=1, ahead=0, limit=25)


def test_nothing_is_granted_to_what_is_gone(catalog: Catalog) -> None:
    made = upload(length=None)
    catalog.uploads.add(made)
    catalog.uploads.reserve_quota(made, end=5, ahead=0, limit=25)
    catalog.uploads.close(made.id, UploadState.TERMINATED)
    assert catalog.uploads.usage(ME) == Usage(0, 0, 0)
    with pytest.raises(UploadNotFound):
        catalog.uploads.reserve_quota(made, end=6, ahead=0, limit=25)


def test_grants_at_once_never_give_more_than_there_is(servers: Sequence[Catalog]) -> None:
    """Eight bodies at two servers take room until they are refused."""
    made = [upload(length=None) for _ in range(8)]
    for each in made:
        servers[0].uploads.add(each)

    def fill(number: int) -> int:
        size = 0
        while True:
            server = servers[number % 2]
            given = server.uploads.reserve_quota(made[number], end=size + 7, ahead=20, limit=1000)
            if given < size + 7:
                server.uploads.set_reserved(made[number].id, given)
                return given
            size += 7

    with ThreadPoolExecutor(8) as pool:
        filled = list(pool.map(fill, range(8)))
    assert sum(filled) == 1000
    assert servers[0].uploads.usage(ME) == Usage(8, 1000, 8)


def test_uploads_count_whatever_they_hold(catalog: Catalog) -> None:
    three = Quota(open_uploads=None, stored_bytes=None, stored_files=3)
    made = [upload(length=0), upload(length=None), upload(length=0)]
    for each in made:
        catalog.uploads.add(each, three)
    catalog.uploads.finish(content(made[0], HASH), is_video=False)
    with pytest.raises(TooManyFiles):
        catalog.uploads.add(upload(length=0), three)
    assert catalog.uploads.declare_length(made[1], 5, three)
    assert catalog.uploads.usage(ME).stored_files == 3
    catalog.uploads.close(made[2].id, UploadState.TERMINATED)
    catalog.uploads.add(upload(length=0), three)
    catalog.uploads.add(upload(OTHER, length=0), three)


def test_parts_count_once_when_they_are_joined(catalog: Catalog) -> None:
    parts = [upload(kind=UploadKind.PARTIAL) for _ in range(2)]
    for part in parts:
        catalog.uploads.add(part, BYTES)
    final = upload(kind=UploadKind.FINAL, parts=tuple(part.id for part in parts), length=None)
    catalog.uploads.add(final, BYTES)
    assert catalog.uploads.usage(ME) == Usage(3, 20, 3), "its length is not known yet"
    assert catalog.uploads.declare_length(final, 20, BYTES)
    assert catalog.uploads.usage(ME) == Usage(3, 20, 3)
    again = replace(final, id=upload().id, length=20)
    with pytest.raises(QuotaExceeded):
        catalog.uploads.add(again, BYTES)
    catalog.uploads.close(final.id, UploadState.TERMINATED)
    assert catalog.uploads.usage(ME) == Usage(2, 20, 2)


def test_many_at_once_never_get_more(servers: Sequence[Catalog]) -> None:
    """The uploads are created at two servers; each answer is either a row or a refusal."""
    quota = Quota(open_uploads=7, stored_bytes=None)

    def add(number: int) -> bool:
        try:
            servers[number % 2].uploads.add(upload(), quota)
        except TooManyUploads:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        added = list(pool.map(add, range(60)))
    assert sum(added) == 7
    assert servers[0].uploads.usage(ME) == Usage(7, 70, 7)


def test_a_sum_of_63_bits_and_more_is_a_number(catalog: Catalog) -> None:
    largest = 2**63 - 1
    for _ in range(3):
        catalog.uploads.add(upload(length=largest), Quota(open_uploads=9, stored_bytes=None))
    assert catalog.uploads.usage(ME) == Usage(3, 3 * largest, 3)
    with pytest.raises(QuotaExceeded):
        catalog.uploads.add(upload(length=1), BYTES)
