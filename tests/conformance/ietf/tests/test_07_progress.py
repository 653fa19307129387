"""104 responses with Upload-Offset while content comes (section 4.4.2)."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from tusprobe import require
from tusprobe.raw import RawResponse

from draftprobe import LOCK_PATIENCE_S, VERSION_FIELD, WORDS, Draft, Peer, integer

LENGTH = 4 << 20
PIECE = 16 << 10
PAUSE_S = 0.025
"""Between pieces, unless a response comes: the content takes six seconds, or until two have come."""

pytestmark = [pytest.mark.named, pytest.mark.needs_interim, pytest.mark.versions(since=5)]


@dataclass
class SlowAppend:
    """What was seen of an append that was sent slowly, then broken off."""

    heads: list[RawResponse] = field(default_factory=list)
    #: The bytes that had been sent when each of them came.
    sent: list[int] = field(default_factory=list)
    offset_afterwards: int = 0

    @property
    def offsets(self) -> list[int]:
        return [integer(head, "Upload-Offset") for head in self.heads]


def send_slowly(draft: Draft) -> SlowAppend:
    """Append 4 MiB in small pieces until two 104 responses came, and break off."""
    seen = SlowAppend()
    upload = draft.create(LENGTH + PIECE)
    with upload.begin_patch(0, LENGTH + PIECE, b"") as connection:
        for sent in range(PIECE, LENGTH + PIECE, PIECE):
            connection.send(bytes(PIECE))
            waited_until = time.monotonic() + PAUSE_S
            while (left := waited_until - time.monotonic()) > 0:
                try:
                    head = connection.read_head(left)
                except TimeoutError:
                    break
                assert head.status < 200, f"answered before all content: {head}"
                if head.status == 104 and head.get("Upload-Offset"):
                    seen.heads.append(head)
                    seen.sent.append(sent)
            if len(set(seen.offsets)) > 1:
                break
    seen.offset_afterwards = upload.settled_offset(max(seen.offsets, default=0))
    return seen


@pytest.fixture(scope="session")
def slow_appends(peer: Peer) -> dict[str, "Future[SlowAppend]"]:
    """Send the content slowly in the words of all versions at the same time."""
    names = [name for name, words in WORDS.items() if words.identity and words.version >= 5]
    threads = ThreadPoolExecutor(len(names))
    running = {name: threads.submit(send_slowly, Draft(peer, WORDS[name])) for name in names}
    threads.shutdown(wait=False)
    return running


@pytest.fixture
def slow_append(draft: Draft, slow_appends: dict[str, "Future[SlowAppend]"]) -> SlowAppend:
    return slow_appends[draft.words.name].result(10 * LOCK_PATIENCE_S)


@pytest.mark.should
def test_i062_progress_is_reported(slow_append: SlowAppend) -> None:
    assert len(set(slow_append.offsets)) > 1, slow_append.heads


@pytest.mark.must
def test_i063_progress_is_true(draft: Draft, slow_append: SlowAppend) -> None:
    """MUST NOT have Location; never more than was sent, and never less than before."""
    require(bool(slow_append.heads), "no progress was reported")
    assert [head.get("Location") for head in slow_append.heads if head.get("Location")] == []
    assert {head.get(VERSION_FIELD) for head in slow_append.heads} <= {draft.words.name}
    assert slow_append.offsets == sorted(slow_append.offsets)
    assert all(
        offset <= sent for offset, sent in zip(slow_append.offsets, slow_append.sent, strict=True)
    )


@pytest.mark.must
def test_i064_reported_progress_survives_a_break(slow_append: SlowAppend) -> None:
    """What was acknowledged MUST NOT be taken back."""
    require(bool(slow_append.heads), "no progress was reported")
    assert slow_append.offset_afterwards >= max(slow_append.offsets)
