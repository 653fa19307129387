"""Several requests for one upload (section 4.6).

A client that lost its connection comes back before the server has noticed.
"""

import contextlib
import random
import time
from collections.abc import Iterator
from functools import partial
from itertools import pairwise

import pytest
from tusprobe import RawConnection, eventually
from tusprobe.raw import ConnectionClosed

from draftprobe import LOCK_PATIENCE_S, PROMPT_S, Draft, Upload, at_once, is_ended

SIZE = 1 << 20
PART = 64 << 10
DATA = random.Random(46).randbytes(SIZE)
OTHER = b"\xff"
CLIENTS, ROUNDS = 6, 3


@contextlib.contextmanager
def standing_still(draft: Draft) -> Iterator[tuple[Upload, RawConnection]]:
    """Yield an upload whose PATCH has sent a part, all of which has arrived, and sends no more."""
    upload = draft.create(SIZE)
    with upload.begin_patch(0, SIZE, DATA[:PART]) as stale:
        assert stale.arrived(LOCK_PATIENCE_S)
        yield upload, stale


def goes_on(upload: Upload, start: int | None = None, end: int = SIZE) -> bool:
    """Send from ``start``, or from HEAD's offset, to ``end`` until it is accepted; 15 s at most."""

    def accepted() -> bool:
        offset = upload.offset() if start is None else start
        answer = upload.patch(DATA[offset:end], offset, complete=end == SIZE)
        assert answer.status // 100 == 2 or answer.status in (409, 423), answer
        return answer.status // 100 == 2

    return eventually(accepted, LOCK_PATIENCE_S)


@pytest.mark.must
def test_i074_an_append_that_stands_still_does_not_hold_the_upload(draft: Draft) -> None:
    with standing_still(draft) as (upload, _):
        assert goes_on(upload)
    assert upload.is_complete(SIZE)
    assert upload.holds(DATA)


@pytest.mark.best
def test_i075_head_takes_over_at_once(draft: Draft) -> None:
    """Every byte that had arrived counts, and the older request is ended."""
    with standing_still(draft) as (upload, stale):
        began = time.monotonic()
        offset = upload.offset()
        assert time.monotonic() - began < PROMPT_S
        if upload.peer.behind_proxy:
            # It may pass the older request on after HEAD, and its bytes later: another HEAD ends it.
            upload.settled_offset(PART)
        else:
            assert offset == PART
        assert is_ended(stale, PROMPT_S)


@pytest.mark.must
def test_i076_a_displaced_append_adds_nothing_later(draft: Draft) -> None:
    with standing_still(draft) as (upload, stale):
        assert goes_on(upload, PART, 2 * PART)
        with contextlib.suppress(OSError, ConnectionClosed, TimeoutError):
            stale.send(OTHER * (SIZE - PART))
            stale.read_response("PATCH", PROMPT_S)
    assert upload.is_incomplete(2 * PART)
    assert goes_on(upload, 2 * PART)
    assert upload.is_complete(SIZE)
    assert upload.holds(DATA)


@pytest.mark.best
def test_i077_an_append_takes_over_at_once(draft: Draft) -> None:
    with standing_still(draft) as (upload, stale):
        began = time.monotonic()
        assert goes_on(upload, PART)
        assert time.monotonic() - began < PROMPT_S
        assert is_ended(stale, PROMPT_S)


@pytest.mark.must
def test_i078_of_simultaneous_appends_one_counts(draft: Draft) -> None:
    """Different bytes at one offset: those of one client are taken, whole if it was answered so."""
    upload = draft.create(CLIENTS * ROUNDS * PART)
    reached = [0]
    for number in range(ROUNDS):
        start = reached[-1]
        values = range(number * CLIENTS, (number + 1) * CLIENTS)
        answers = at_once(
            partial(upload.patch, bytes([value]) * PART, start, complete=False) for value in values
        )
        accepted = sum(answer.status // 100 == 2 for answer in answers)
        reached.append(upload.offset())
        assert accepted <= 1
        assert reached[-1] - start <= PART
        assert accepted == 0 or reached[-1] - start == PART
    rest = CLIENTS * ROUNDS * PART - reached[-1]
    upload.append(bytes(rest), reached[-1], complete=True)
    if upload.peer.serves_content:
        content = upload.get().body
        pieces = [content[start:end] for start, end in pairwise(reached)]
        assert all(len(set(piece)) <= 1 for piece in pieces)


@pytest.mark.must
@pytest.mark.named
def test_i079_a_creation_that_stands_still_does_not_hold_the_upload(draft: Draft) -> None:
    upload, stale = draft.announced_post(DATA[:PART], SIZE)
    with stale:
        assert goes_on(upload)
    assert upload.is_complete(SIZE)
    assert upload.holds(DATA)
