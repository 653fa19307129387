"""Requests that break off (sections 4.2.2, 4.4.2 and 4.6)."""

import random

import pytest
from tusprobe import RawConnection, eventually

from draftprobe import LOCK_PATIENCE_S, Draft, Upload

SIZE = 1 << 20
SENT = 600 << 10
DATA = random.Random(104).randbytes(SIZE)
PIECE = 1 << 10


def broken_post(draft: Draft) -> Upload:
    """Begin a creation of 1 MiB, break it off after 600 KiB; return the upload of its 104."""
    upload, connection = draft.announced_post(DATA[:SENT], SIZE)
    assert connection.arrived(LOCK_PATIENCE_S)
    connection.close()
    return upload


def complete_from(upload: Upload, offset: int) -> None:
    """Send the rest; a busy proxy may pass the broken request on only now."""

    def accepted() -> bool:
        nonlocal offset
        answer = upload.patch(DATA[offset:], offset, complete=True)
        if answer.status == 409 and upload.peer.behind_proxy:
            offset = upload.offset()
            return False
        assert answer.status // 100 == 2, answer
        return True

    assert eventually(accepted, LOCK_PATIENCE_S)
    assert upload.is_complete(SIZE)
    assert upload.holds(DATA)


@pytest.mark.must
@pytest.mark.named
def test_i039_a_broken_creation_lives(draft: Draft) -> None:
    assert broken_post(draft).is_incomplete()


@pytest.mark.should
@pytest.mark.named
def test_i040_what_had_arrived_is_kept(draft: Draft) -> None:
    """SHOULD keep as much of the content as possible."""
    assert broken_post(draft).settled_offset(SENT) == SENT


@pytest.mark.must
@pytest.mark.named
def test_i041_a_broken_creation_goes_on(draft: Draft) -> None:
    upload = broken_post(draft)
    complete_from(upload, upload.offset())


@pytest.mark.must
def test_i042_a_broken_append_does_not_complete(draft: Draft) -> None:
    """What arrived counts, from its beginning."""
    upload = draft.create()
    upload.begin_patch(0, SIZE, DATA[:SENT]).close()
    offset = upload.offset()
    assert offset <= SENT
    assert upload.is_incomplete()
    complete_from(upload, offset)


@pytest.mark.must
@pytest.mark.parametrize("end", [RawConnection.close, RawConnection.reset], ids=["fin", "rst"])
def test_i043_chunks_without_the_last_one_do_not_complete(draft: Draft, end: object) -> None:
    """RFC 9112, 8: a chunked message without its last chunk is incomplete."""
    upload = draft.create()
    connection = upload.begin_patch(0, None, DATA[:SENT])
    connection.arrived(LOCK_PATIENCE_S)
    end(connection)  # type: ignore[operator]
    assert upload.offset() <= SENT
    assert upload.is_incomplete()


@pytest.mark.must
def test_i044_every_offset_is_true(draft: Draft) -> None:
    """After each break the offset is accepted, and no smaller than before."""
    chance = random.Random(draft.words.name)
    upload = draft.create(SIZE)
    known = 0

    def goes_on() -> bool:
        nonlocal known
        offset = upload.offset()
        assert offset >= known
        answer = upload.patch(DATA[offset : offset + PIECE], offset, complete=False)
        if answer.status == 409 and upload.peer.behind_proxy:
            return False
        assert answer.status // 100 == 2, answer
        known = offset + PIECE
        return True

    for _ in range(8):
        part = DATA[known : known + chance.randrange(SIZE // 10)]
        upload.begin_patch(known, SIZE - known, part).close()
        assert eventually(goes_on, LOCK_PATIENCE_S)
    complete_from(upload, known)
