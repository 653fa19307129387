"""Tests uploads that are complete when their client says so, as those of the IETF's draft are."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from support.bodies import LiveBody
from support.ids import ME, fresh_id
from support.uploads import UploadsInProcess, stored_file
from support.waiting import until

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Append, Create
from tusd_py.domain.errors import (
    BackendError,
    ClientDisconnected,
    HashConflict,
    HookRefused,
    LengthConflict,
    LengthExceeded,
    MaxSizeExceeded,
    QuotaExceeded,
    UploadComplete,
    UploadTerminated,
)
from tusd_py.domain.ids import UploadId
from tusd_py.domain.quota import Quota
from tusd_py.domain.upload import Upload, UploadProtocol, UploadState
from tusd_py.ingest.asgi_body import AsgiBody
from tusd_py.uploads import finish as finishing
from tusd_py.uploads import receive as receiving
from tusd_py.uploads.append import append
from tusd_py.uploads.create import create
from tusd_py.uploads.expire import collect_expired
from tusd_py.uploads.maintain import maintain
from tusd_py.uploads.receive import AppendResult
from tusd_py.uploads.recovery import recover, recover_one

DRAFT: dict[str, Any] = {"protocol": UploadProtocol.IETF}
MORE: dict[str, Any] = {**DRAFT, "completes": False}
LAST: dict[str, Any] = {**DRAFT, "completes": True}


def appended(
    client: UploadsInProcess, upload_id: UploadId, offset: int, *chunks: bytes, **values: Any
) -> AppendResult:
    command = Append(upload_id=upload_id, offset=offset, **values)
    return client.run(append(client.context, ME, command, client.body(*chunks)))


def test_a_full_upload_stays_open_until_its_client_ends_it(client: UploadsInProcess) -> None:
    upload_id = client.create(4, **MORE)
    assert not appended(client, upload_id, 0, b"four", **MORE).complete
    client.restart()
    assert client.run(recover(client.context)) == 0
    assert not client.run(recover_one(client.context, upload_id))
    # A request may say so between the look at the upload and the lock.
    assert not client.run(finishing.finish_received(client.context, upload_id))
    assert client.head(upload_id).offset == 4
    assert client.state(upload_id) is UploadState.RECEIVING
    ended = appended(client, upload_id, 4, body_length=0, **LAST)
    assert (ended.complete, ended.offset) == (True, 4)
    assert client.job(upload_id).file_size == 4


@pytest.mark.parametrize("last", [LAST, {"protocol": UploadProtocol.TUS}], ids=["draft", "tus"])
def test_a_crash_behind_the_last_byte_does_not_undo_what_the_client_said(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch, last: dict[str, Any]
) -> None:
    """Some clients take the upload for complete by its offset, and never say it again."""
    upload_id = client.create(4, **MORE)
    client.append(upload_id, 0, b"fo", body_length=2, **MORE)

    async def crash(*_args: object) -> None:
        raise BackendError

    with monkeypatch.context() as patch:
        patch.setattr(receiving, "finish", crash)
        with pytest.raises(BackendError):
            client.append(upload_id, 2, b"ur", body_length=2, **last)
    client.restart()
    assert client.state(upload_id) is UploadState.RECEIVING
    assert client.run(recover(client.context)) == 1
    assert client.job(upload_id).file_size == 4


def test_a_later_part_takes_back_that_a_broken_one_was_the_last(client: UploadsInProcess) -> None:
    upload_id = client.create(4, **MORE)
    with pytest.raises(ClientDisconnected):
        client.append(upload_id, 0, b"fo", breaks_off=True, body_length=4, **LAST)
    assert not appended(client, upload_id, 2, b"ur", body_length=2, **MORE).complete
    client.restart()
    assert client.run(recover(client.context)) == 0


def test_a_refused_request_says_nothing(client: UploadsInProcess) -> None:
    upload_id = client.create(4, declared_hash="a" * 64, **MORE)
    client.append(upload_id, 0, b"four", **MORE)
    with pytest.raises(HashConflict):
        appended(client, upload_id, 4, body_length=0, declared_hash="b" * 64, **LAST)
    client.restart()
    assert client.run(recover(client.context)) == 0
    assert client.state(upload_id) is UploadState.RECEIVING


def test_a_full_upload_that_no_client_ends_expires(client: UploadsInProcess) -> None:
    upload_id = client.create(4, **MORE)
    client.append(upload_id, 0, b"four", **MORE)
    os.utime(stored_file(client.ports, upload_id), (client.clock.now(), client.clock.now()))
    client.clock.advance(61)
    assert client.run(maintain(client.context)).complete == ()
    client.clock.advance(3601)
    due = client.run(maintain(client.context))
    assert (due.complete, due.expired) == ((), (upload_id,))
    client.run(collect_expired(client.context, due.expired))
    assert client.state(upload_id) is UploadState.EXPIRED


def test_an_empty_upload_is_complete_only_at_its_clients_word(client: UploadsInProcess) -> None:
    assert client.creation(0, body_length=0, **LAST).complete
    open_id = client.create(0, body_length=0, **MORE)
    assert client.state(open_id) is UploadState.RECEIVING
    assert appended(client, open_id, 0, body_length=0, **LAST).complete


def test_the_end_of_the_last_body_sets_the_length(client: UploadsInProcess) -> None:
    upload_id = client.create(None, b"one", **MORE)
    with pytest.raises(ClientDisconnected):
        client.append(upload_id, 3, b"two", breaks_off=True, **LAST)
    assert client.state(upload_id) is UploadState.RECEIVING
    assert appended(client, upload_id, 6, b"three", **LAST).complete
    assert client.head(upload_id).upload.length == 11
    made = client.creation(None, b"whole", **LAST)
    assert (made.complete, made.offset) == (True, 5)
    assert client.head(made.upload.id).upload.length == 5


def test_a_length_that_follows_from_the_last_body_counts_for_the_quota(tmp_path: Path) -> None:
    quota = Quota(open_uploads=None, stored_bytes=100)
    with UploadsInProcess(tmp_path, quota=quota) as client:
        client.creation(None, b"x" * 60, **LAST)
        assert client.ports.catalog.uploads.usage(ME).stored_bytes == 60
        with pytest.raises(QuotaExceeded):
            client.creation(None, b"x" * 60, **LAST)


def test_a_last_body_that_does_not_end_at_the_length_is_refused(client: UploadsInProcess) -> None:
    upload_id = client.create(10, **MORE)
    for length in (3, 11):
        with pytest.raises(LengthConflict):
            client.append(upload_id, 0, b"x" * length, body_length=length, **LAST)
    assert client.head(upload_id).offset == 0
    with pytest.raises(LengthConflict):
        client.append(upload_id, 0, b"short", **LAST)
    # The body has arrived and stays; the upload does not.
    assert client.head(upload_id).offset == 5
    with pytest.raises(LengthConflict):
        client.append(upload_id, 5, b"right", body_length=5, declared_length=11, **LAST)
    assert appended(client, upload_id, 5, b"right", body_length=5, **LAST).complete


def test_a_creation_whose_only_body_is_too_short_leaves_a_tombstone(
    client: UploadsInProcess,
) -> None:
    upload_id = fresh_id()
    command = Create(length=10, has_body=True, **LAST)
    with pytest.raises(LengthConflict):
        client.run(create(client.context, Caller(ME), upload_id, command, client.body(b"short")))
    with pytest.raises(UploadTerminated):
        client.head(upload_id)


def test_the_end_of_a_complete_upload_is_answered_again_where_the_version_has_it(
    client: UploadsInProcess,
) -> None:
    upload_id = client.creation(None, b"whole", **LAST).upload.id
    again = appended(client, upload_id, 5, body_length=0, **LAST)
    assert (again.complete, again.offset) == (True, 5)
    for offset, values in (
        (5, {**LAST, "body_length": 0, "repeats": False}),
        (5, {**MORE, "body_length": 0}),
        (5, {**LAST, "body_length": 1}),
        (5, LAST),
        (4, {**LAST, "body_length": 0}),
    ):
        with pytest.raises(UploadComplete):
            client.append(upload_id, offset, **values)
    assert client.arrived(upload_id) == 5


def test_an_instant_upload_is_complete_for_the_draft_too(client: UploadsInProcess) -> None:
    content = b"known content"
    first = client.store(content)
    known = client.head(first).upload.file_hash
    made = client.creation(len(content), declared_hash=known, **MORE)
    assert (made.complete, made.upload.instant) == (True, True)
    with pytest.raises(UploadComplete):
        client.append(made.upload.id, 0, content, body_length=len(content), **LAST)


def test_an_overlong_body_ends_the_upload_where_the_version_demands_it(
    client: UploadsInProcess,
) -> None:
    for length in (9, None):
        kept, ended = (client.create(4, **MORE) for _ in range(2))
        for upload_id, ends in ((kept, False), (ended, True)):
            values = {**MORE, "overrun_ends": ends, "body_length": length}
            with pytest.raises(LengthExceeded):
                client.append(upload_id, 0, b"x" * 9, **values)
        # What fits has been announced, perhaps, and is not the whole file by that.
        assert client.head(kept).offset == (4 if length is None else 0)
        assert client.state(kept) is UploadState.RECEIVING
        assert client.state(ended) is UploadState.REJECTED


def test_a_body_beyond_the_largest_size_keeps_what_was_announced(tmp_path: Path) -> None:
    with UploadsInProcess(tmp_path, max_size=10) as client:
        upload_id = client.create(None, **MORE)
        with pytest.raises(MaxSizeExceeded):
            client.append(upload_id, 0, b"x" * 7, b"x" * 7, **MORE)
        assert client.head(upload_id).offset == 10


def test_one_protocol_begins_and_the_other_ends(client: UploadsInProcess) -> None:
    by_tus = client.create(10)
    client.append(by_tus, 0, b"12345", body_length=5, **MORE)
    assert appended(client, by_tus, 5, b"67890", body_length=5, **LAST).complete
    by_draft = client.create(10, **MORE)
    client.append(by_draft, 0, b"12345", **MORE)
    assert appended(client, by_draft, 5, b"67890").complete


def test_what_tus_began_is_complete_at_its_length(client: UploadsInProcess) -> None:
    """What the requests of the draft say is recorded of uploads that the draft began."""
    upload_id = client.create(4)
    assert appended(client, upload_id, 0, b"four", **MORE).complete


def test_the_answer_to_the_last_body_follows_the_finish(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upload of tus may be finished behind the answer; the draft's answer has what came of it."""
    monkeypatch.setattr(finishing, "REHASH_NOW_BYTES", 10)
    upload_id = client.create(2000, **MORE)
    client.append(upload_id, 0, b"x" * 1000, **MORE)
    client.restart()
    client.append(upload_id, 1000, b"x" * 1000, **LAST)
    assert client.state(upload_id) is UploadState.FINISHED


class Follower:
    """An ``ArrivalListener`` that notes what it is called with."""

    def __init__(self, client: UploadsInProcess) -> None:
        self._client = client
        self.begun: list[UploadState] = []
        self.offsets: list[int] = []

    async def on_begun(self, upload: Upload) -> None:
        self.begun.append(self._client.state(upload.id))

    def on_stored(self, offset: int) -> None:
        self.offsets.append(offset)


def followed(client: UploadsInProcess, upload_id: UploadId) -> Follower:
    """Create an upload with a body that arrives in two pieces and is too short then."""
    follower = Follower(client)

    async def scene() -> None:
        live = LiveBody()
        command = Create(length=10, has_body=True, **LAST)
        body = AsgiBody(live.receive, client.threads)
        work = create(client.context, Caller(ME), upload_id, command, body, listener=follower)
        creation = asyncio.create_task(work)
        await until(lambda: bool(follower.begun))
        live.send(b"12345")
        await until(lambda: client.arrived(upload_id) == 5)
        live.send(b"678")
        live.finish()
        with pytest.raises(LengthConflict):
            await creation

    client.run(scene())
    return follower


def test_a_listener_learns_of_a_recorded_upload_and_of_bytes_that_count(
    client: UploadsInProcess,
) -> None:
    upload_id = fresh_id()
    follower = followed(client, upload_id)
    assert follower.begun == [UploadState.RECEIVING]
    assert follower.offsets == [5, 8]
    assert client.state(upload_id) is UploadState.REJECTED


def test_a_listener_hears_nothing_of_what_an_application_refuses(client: UploadsInProcess) -> None:
    async def refuse(_upload: Upload, _request: object) -> None:
        raise HookRefused

    client.context.before_create = refuse
    follower = Follower(client)
    command = Create(length=10, has_body=True, **LAST)
    body = client.body(b"0123456789")
    with pytest.raises(HookRefused):
        client.run(create(client.context, Caller(ME), fresh_id(), command, body, listener=follower))
    assert follower.begun == []


@pytest.fixture
def strict(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with UploadsInProcess(tmp_path_factory.mktemp("strict"), durability="strict") as client:
        yield client


def test_bytes_that_a_power_cut_may_take_are_not_announced(strict: UploadsInProcess) -> None:
    assert followed(strict, fresh_id()).offsets == []
