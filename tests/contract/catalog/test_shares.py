"""Every catalog counts the receivers of a share, and ends it in time."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from support.catalog import complete, finished, upload
from support.clock import FakeClock
from support.ids import ME, OTHER

from tusd_py.catalog.port import Catalog
from tusd_py.catalog.ports.shares import KEPT_SECONDS
from tusd_py.domain.errors import TooManyShares, UploadUnfinished
from tusd_py.domain.ids import ShareId, UploadId
from tusd_py.domain.share import CONTINUE_SECONDS, GRACE_SECONDS, Admission, Receiver, Share
from tusd_py.domain.upload import UploadState

WEEK = 604_800.0


@pytest.fixture
def task(catalog: Catalog) -> UploadId:
    """Return an upload whose file is stored."""
    made = finished(catalog)
    complete(catalog, made)
    return made


def add(catalog: Catalog, task: UploadId, number: int = 1, *, limit: int = 9) -> Share:
    made = Share(id=ShareId(f"{number:024x}"), user_id=ME, upload_id=task, downloads=1)
    return catalog.shares.add(made, seconds=WEEK, limit=limit)


def receiver(name: str, client: str = "") -> Receiver:
    return Receiver(name, client or f"client of {name}")


def admit(catalog: Catalog, of: Share, who: Receiver, *, is_later_part: bool = False) -> Admission:
    return catalog.shares.admit(of.id, who, is_later_part=is_later_part)


def test_a_share_is_kept_and_listed(catalog: Catalog, clock: FakeClock, task: UploadId) -> None:
    made = []
    for number in (1, 2, 3):
        made.append(add(catalog, task, number, limit=3))
        clock.advance(1)
    assert made[0].expires_at == made[0].created_at + WEEK == clock.now() - 3 + WEEK
    with pytest.raises(TooManyShares):
        add(catalog, task, 4, limit=3)
    assert catalog.shares.get(made[0].id) == made[0]
    assert catalog.shares.of_user(ME, upload_id=None, limit=2) == [made[2], made[1]]
    assert list(catalog.shares.of_user(ME, upload_id=task, limit=9)) == made[::-1]
    assert list(catalog.shares.of_user(OTHER, upload_id=task, limit=9)) == []
    assert list(catalog.shares.of_user(ME, upload_id=finished(catalog), limit=9)) == []


def test_only_a_stored_file_is_shared(catalog: Catalog, clock: FakeClock) -> None:
    arriving = upload()
    catalog.uploads.add(arriving)
    waiting = finished(catalog)
    for task in (arriving.id, waiting, UploadId("f" * 32)):
        with pytest.raises(UploadUnfinished):
            add(catalog, task)
    assert list(catalog.shares.of_user(ME, upload_id=None, limit=9)) == []


def test_only_as_many_receivers_as_are_left_are_counted(
    catalog: Catalog, clock: FakeClock, task: UploadId
) -> None:
    made = add(catalog, task)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda n: admit(catalog, made, receiver(str(n))), range(16)))
    assert found.count(Admission.BEGUN) == 1
    assert found.count(Admission.USED_UP) == 15
    after = catalog.shares.get(made.id)
    assert after is not None
    assert (after.downloaded, after.left, after.is_used_up) == (1, 0, True)


def test_a_receiver_counts_once_for_a_day(
    catalog: Catalog, clock: FakeClock, task: UploadId
) -> None:
    made = add(catalog, task)
    first = receiver("first")
    assert not catalog.shares.may_continue(made.id, first, is_later_part=True)
    assert admit(catalog, made, first) is Admission.BEGUN
    for _ in range(3):
        clock.advance(CONTINUE_SECONDS - 1)
        assert catalog.shares.may_continue(made.id, first, is_later_part=False)
        assert admit(catalog, made, first) is Admission.CONTINUED
        assert admit(catalog, made, first) is Admission.CONTINUED
    clock.advance(CONTINUE_SECONDS + 1)
    assert admit(catalog, made, first) is Admission.USED_UP
    catalog.shares.remove_ended()
    assert admit(catalog, made, first) is Admission.USED_UP
    # The clock was wrong: nothing is kept of the receiver.
    clock.advance(-2.0)
    assert not catalog.shares.may_continue(made.id, first, is_later_part=False)


def test_a_client_without_cookies_continues_with_a_later_part(
    catalog: Catalog, clock: FakeClock, task: UploadId
) -> None:
    made = add(catalog, task)
    assert admit(catalog, made, receiver("a", "curl")) is Admission.BEGUN
    again = receiver("b", "curl")
    assert admit(catalog, made, again) is Admission.USED_UP
    assert admit(catalog, made, again, is_later_part=True) is Admission.CONTINUED
    assert admit(catalog, made, receiver("c", "wget"), is_later_part=True) is Admission.USED_UP
    catalog.shares.all_sent(made.id, again)
    clock.advance(GRACE_SECONDS - 1)
    catalog.shares.all_sent(made.id, again)
    assert admit(catalog, made, again, is_later_part=True) is Admission.CONTINUED
    clock.advance(2)
    assert not catalog.shares.may_continue(made.id, again, is_later_part=True)
    assert admit(catalog, made, again, is_later_part=True) is Admission.USED_UP
    assert admit(catalog, made, receiver("a", "curl")) is Admission.CONTINUED, "it has its cookie"


def test_who_has_a_cookie_is_known_by_nothing_else(
    catalog: Catalog, clock: FakeClock, task: UploadId
) -> None:
    made = add(catalog, task)
    assert admit(catalog, made, Receiver("a", "")) is Admission.BEGUN
    for other in (Receiver("b", ""), receiver("c", "curl")):
        assert admit(catalog, made, other, is_later_part=True) is Admission.USED_UP
        assert not catalog.shares.may_continue(made.id, other, is_later_part=True)
    assert admit(catalog, made, Receiver("a", ""), is_later_part=True) is Admission.CONTINUED


def test_a_share_ends(catalog: Catalog, clock: FakeClock, task: UploadId) -> None:
    left, revoked, last = (add(catalog, task, number) for number in (1, 2, 3))
    for one in (left, revoked, last):
        assert admit(catalog, one, receiver("a")) is Admission.BEGUN
    assert not catalog.shares.revoke(OTHER, revoked.id)
    assert catalog.shares.revoke(ME, revoked.id)
    assert not catalog.shares.revoke(ME, revoked.id)
    assert admit(catalog, revoked, receiver("a")) is Admission.ENDED
    assert catalog.uploads.close(task, UploadState.TERMINATED)
    for one in (left, revoked, last):
        assert catalog.shares.get(one.id) is None
        assert admit(catalog, one, receiver("a")) is Admission.ENDED
    assert list(catalog.shares.of_user(ME, upload_id=None, limit=9)) == []


def test_an_expired_share_is_removed_later_than_it_ends(
    catalog: Catalog, clock: FakeClock, task: UploadId
) -> None:
    made = add(catalog, task)
    clock.advance(WEEK - 1)
    assert admit(catalog, made, receiver("a")) is Admission.BEGUN
    clock.advance(2)
    catalog.shares.remove_ended()
    assert catalog.shares.get(made.id) is None
    assert admit(catalog, made, receiver("a")) is Admission.ENDED
    assert not catalog.shares.revoke(ME, made.id)
    # The clock was wrong: the share is there again.
    clock.advance(-2.0)
    assert catalog.shares.get(made.id) == replace(made, downloaded=1)
    clock.advance(KEPT_SECONDS + 3)
    catalog.shares.remove_ended()
    clock.advance(-KEPT_SECONDS - 3)
    assert catalog.shares.get(made.id) is None
