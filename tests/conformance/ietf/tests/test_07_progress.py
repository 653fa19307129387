"""104 responses with Upload-Offset while content comes (section 4.4.2)."""

import contextlib
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from tusprobe import RawConnection, is_client_error, require
from tusprobe.raw import RawResponse

from draftprobe import LOCK_PATIENCE_S, VERSION_FIELD, WORDS, Draft, Peer, integer

LENGTH = 4 << 20
PIECE = 16 << 10
PAUSE_S = 0.025
"""Between pieces, unless a response comes: the content takes six seconds, or until two have come."""

pytestmark = [pytest.mark.named, pytest.mark.needs_interim, pytest.mark.versions(since=5)]


@dataclass
class SlowAppend:
    """What was seen of an append that was sent slowly, and of its upload afterwards."""

    heads: list[RawResponse] = field(default_factory=list)
    #: The bytes that had been sent when each of them came.
    sent: list[int] = field(default_factory=list)
    #: None: the upload is dead.
    offset_afterwards: int | None = None

    @property
    def offsets(self) -> list[int]:
        return [integer(head, "Upload-Offset") for head in self.heads]

    def watch(self, connection: RawConnection, sent: int) -> None:
        """Record a progress response that comes within the pause between pieces."""
        until = time.monotonic() + PAUSE_S
        with contextlib.suppress(TimeoutError):
            while True:
                head = connection.read_head(until - time.monotonic())
                assert head.status < 200, f"answered before all content: {head}"
                if head.status == 104 and head.get("Upload-Offset"):
                    self.heads.append(head)
                    self.sent.append(sent)


def broken_off(draft: Draft) -> SlowAppend:
    """Append 4 MiB in small pieces until two progress responses came, and break off."""
    seen = SlowAppend()
    upload = draft.create(LENGTH)
    with upload.begin_patch(0, LENGTH, b"") as connection:
        for sent in range(PIECE, LENGTH, PIECE):
            connection.send(bytes(PIECE))
            seen.watch(connection, sent)
            if len(set(seen.offsets)) > 1:
                break
    seen.offset_afterwards = upload.settled_offset(max(seen.offsets, default=0))
    return seen


def overrun(draft: Draft) -> SlowAppend:
    """Append small chunks until a progress response came, then a chunk that goes past the length."""
    seen = SlowAppend()
    upload = draft.create(LENGTH)
    with upload.begin_patch(0, None, b"", complete=False) as connection:
        for sent in range(PIECE, LENGTH, PIECE):
            connection.send_chunk(bytes(PIECE))
            seen.watch(connection, sent)
            if seen.heads:
                break
        # The server may answer, and close, before it has read all of it.
        with contextlib.suppress(ConnectionError):
            connection.send_chunk(bytes(LENGTH))
            connection.end_chunks()
        assert is_client_error(connection.read_response("PATCH").status)
    if not is_client_error(upload.head().status):
        seen.offset_afterwards = upload.offset()
    return seen


Running = dict[tuple[str, str], "Future[SlowAppend]"]


@pytest.fixture(scope="session")
def slow_appends(peer: Peer, request: pytest.FixtureRequest) -> Running:
    """Send the content slowly in the words of all versions of the run at the same time."""
    users = [item for item in request.session.items if "slow_appends" in item.fixturenames]
    versions = {item.callspec.params["draft"] for item in users}
    drafts = [Draft(peer, words) for name, words in WORDS.items() if name in versions]
    ways = [(draft, way) for draft in drafts for way in (broken_off, overrun)]
    threads = ThreadPoolExecutor(len(ways))
    running = {(draft.words.name, way.__name__): threads.submit(way, draft) for draft, way in ways}
    threads.shutdown(wait=False)
    return running


def result(running: Running, draft: Draft, way: str) -> SlowAppend:
    return running[draft.words.name, way].result(10 * LOCK_PATIENCE_S)


@pytest.fixture
def slow_append(draft: Draft, slow_appends: Running) -> SlowAppend:
    return result(slow_appends, draft, "broken_off")


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
@pytest.mark.parametrize("way", ["broken_off", "overrun"])
def test_i064_reported_progress_is_kept(draft: Draft, slow_appends: Running, way: str) -> None:
    """What was acknowledged MUST NOT be taken back, unless the upload goes with it."""
    seen = result(slow_appends, draft, way)
    require(bool(seen.heads), "no progress was reported")
    assert seen.offset_afterwards is None or seen.offset_afterwards >= max(seen.offsets)
