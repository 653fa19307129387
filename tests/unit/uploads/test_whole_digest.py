"""Tests the SHA-256 of whole uploads, for those that declare it or want it."""

import hashlib
from typing import Any

import pytest
from support.bodies import WholeBody
from support.ids import ME, fresh_id
from support.uploads import UploadsInProcess

from tusd_py.domain.caller import Caller
from tusd_py.domain.commands import Create
from tusd_py.domain.errors import HashMismatch, ShuttingDown, UploadTerminated
from tusd_py.domain.upload import UploadProtocol, UploadState
from tusd_py.uploads import whole_digest
from tusd_py.uploads.create import create
from tusd_py.uploads.recovery import recover

CONTENT = b"some content of an upload"
RIGHT = hashlib.sha256(CONTENT).hexdigest()
WRONG = hashlib.sha256(b"something else").hexdigest()
DRAFT: dict[str, Any] = {"protocol": UploadProtocol.IETF}


def created_whole(client: UploadsInProcess, **values: Any) -> Any:
    """Create an upload with a body that had arrived with its head."""
    command = Create(length=len(CONTENT), has_body=True, completes=True, **DRAFT, **values)
    work = create(client.context, Caller(ME), fresh_id(), command, WholeBody(CONTENT))
    return client.run(work).upload


@pytest.mark.parametrize("slice_bytes", [7, 1 << 20])
def test_a_wanted_digest_is_recorded_at_the_finish(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch, slice_bytes: int
) -> None:
    monkeypatch.setattr(whole_digest, "SLICE_BYTES", slice_bytes)
    upload_id = client.create(len(CONTENT), completes=False, wants_sha256=True, **DRAFT)
    client.append(upload_id, 0, CONTENT[:9], completes=False, **DRAFT)
    assert client.head(upload_id).upload.sha256 is None
    client.append(upload_id, 9, CONTENT[9:], completes=True, **DRAFT)
    assert client.head(upload_id).upload.sha256 == RIGHT
    assert client.head(created_whole(client, wants_sha256=True).id).upload.sha256 == RIGHT


def test_a_declared_digest_is_verified(client: UploadsInProcess) -> None:
    assert client.state(created_whole(client, sha256=RIGHT).id) is UploadState.FINISHED
    careful = client.create(len(CONTENT), completes=False, sha256=RIGHT, **DRAFT)
    client.append(careful, 0, CONTENT, completes=True, **DRAFT)
    assert client.state(careful) is UploadState.FINISHED


def test_content_with_another_digest_is_dropped(client: UploadsInProcess) -> None:
    with pytest.raises(HashMismatch):
        created_whole(client, sha256=WRONG)
    careful = client.create(len(CONTENT), completes=False, sha256=WRONG, **DRAFT)
    with pytest.raises(HashMismatch):
        client.append(careful, 0, CONTENT, completes=True, **DRAFT)
    with pytest.raises(UploadTerminated):
        client.head(careful)
    assert client.context.counts.refused["hash_mismatch"] == 2


def test_a_digest_is_settled_by_recovery_too(client: UploadsInProcess) -> None:
    """The server may have died behind the last byte of a request that was the last one."""
    values: tuple[dict[str, Any], ...] = (
        {"sha256": WRONG},
        {"sha256": RIGHT},
        {"wants_sha256": True},
    )
    full = [client.create(len(CONTENT), completes=False, **DRAFT, **value) for value in values]
    for upload_id in full:
        client.append(upload_id, 0, CONTENT, completes=False, **DRAFT)
        client.ports.catalog.uploads.set_completes_at_length(upload_id, True)
    client.restart()
    assert client.run(recover(client.context)) == 2
    assert [client.state(upload_id) for upload_id in full] == [
        UploadState.REJECTED,
        UploadState.FINISHED,
        UploadState.FINISHED,
    ]
    assert client.head(full[2]).upload.sha256 == RIGHT


def test_a_server_that_stops_does_not_read_on(client: UploadsInProcess) -> None:
    upload_id = client.create(len(CONTENT), completes=False, wants_sha256=True, **DRAFT)
    client.append(upload_id, 0, CONTENT, completes=False, **DRAFT)
    upload = client.head(upload_id).upload
    client.context.closing = True
    with pytest.raises(ShuttingDown):
        client.run(whole_digest.settle_sha256(client.context, upload))
