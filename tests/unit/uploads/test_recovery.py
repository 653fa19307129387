"""Tests what is finished at the start of a server."""

from typing import Any

import pytest
from support.uploads import UploadsInProcess, stored_file

from tusd_py.domain.upload import UploadKind, UploadState
from tusd_py.locks.local import LocalLock
from tusd_py.uploads import recovery
from tusd_py.uploads.recovery import recover, recover_one


def test_a_final_upload_that_a_crash_kept_waiting_is_finished_at_start(
    client: UploadsInProcess,
) -> None:
    part = client.create(4, kind=UploadKind.PARTIAL)
    final = client.create(None, kind=UploadKind.FINAL, parts=(part, part))
    client.ports.stores.uploads.writer(part, length=4).write([b"part"])
    client.ports.catalog.uploads.finish_partial(part, "x" * 64)
    client.restart()
    assert client.run(recover(client.context)) == 1
    assert client.state(final) is UploadState.FINISHED


def test_open_uploads_are_examined_many_at_once(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A start with many of them is not a thread hop for each."""
    uploads = [client.create(3) for _ in range(7)]
    stored_file(client.ports, uploads[1]).unlink()
    with client.ports.stores.uploads.writer(uploads[5], length=3) as writer:
        writer.write([b"abc"])
    client.restart()
    monkeypatch.setattr(recovery, "PAGE", 4)
    pages: list[list[str]] = []
    candidates = recovery._candidates

    def counted(context: Any, page: Any) -> list[Any]:
        pages.append(list(page))
        return candidates(context, page)

    monkeypatch.setattr(recovery, "_candidates", counted)
    one_by_one: list[str] = []
    recover_one = recovery.recover_one

    async def noted(context: Any, upload_id: Any) -> bool:
        one_by_one.append(upload_id)
        return await recover_one(context, upload_id)

    monkeypatch.setattr(recovery, "recover_one", noted)
    with caplog.at_level("INFO"):
        assert client.run(recover(client.context)) == 1
    assert [len(page) for page in pages] == [4, 3]
    assert set(one_by_one) == {uploads[1], uploads[5]}
    assert "upload.data.missing" in caplog.text
    assert client.state(uploads[5]) is UploadState.FINISHED


def test_an_upload_that_another_process_is_finishing_is_no_failure(
    client: UploadsInProcess, caplog: pytest.LogCaptureFixture
) -> None:
    upload_id = client.create(3)
    with client.ports.stores.uploads.writer(upload_id, length=3) as writer:
        writer.write([b"abc"])
    client.restart()
    client.context.lock = LocalLock(timeout_seconds=0.01)

    async def beside_another() -> bool:
        async with client.context.locked(upload_id):
            return await recover_one(client.context, upload_id)

    with caplog.at_level("INFO"):
        assert not client.run(beside_another())
    assert "upload.recover.locked" in caplog.text
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert client.run(recover_one(client.context, upload_id))
