"""Tests final uploads on real adapters, without a server."""

from pathlib import Path
from typing import Any

import blake3
import pytest
from support.ids import ME, OTHER
from support.tus import metadata
from support.uploads import UploadsInProcess

from tusd_py.domain.commands import Terminate
from tusd_py.domain.errors import (
    FinalUploadImmutable,
    InvalidConcatenation,
    MaxSizeExceeded,
    PartRemoved,
    TypeMismatch,
)
from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import UploadKind, UploadState
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.finish import complete_final
from tusd_py.uploads.recovery import recover_one
from tusd_py.uploads.terminate import terminate


def test_parts_of_others_can_not_be_concatenated(client: UploadsInProcess) -> None:
    theirs = client.upload(b"secret", OTHER, kind=UploadKind.PARTIAL)
    with pytest.raises(InvalidConcatenation):
        client.create(None, kind=UploadKind.FINAL, parts=(theirs,), concat_header="final;x")


def test_a_final_upload_waits_for_its_parts_and_is_finished_with_the_last(
    client: UploadsInProcess,
) -> None:
    parts = [client.create(5, kind=UploadKind.PARTIAL), client.create(6, kind=UploadKind.PARTIAL)]
    final = client.create(None, kind=UploadKind.FINAL, parts=(parts[1], parts[0]))
    found = client.head(final)
    assert (found.offset, found.upload.length) == (None, 11)
    with pytest.raises(FinalUploadImmutable):
        client.append(final, 0, b"x")
    client.append(parts[0], 0, b"first")
    client.append(parts[1], 0, b"second")
    assert client.head(final).offset == 11
    job = client.job(final)
    assert job.file_hash == blake3.blake3(b"secondfirst").hexdigest()
    assert [client.ports.catalog.jobs.get(part) for part in parts] == [None, None]


def test_parts_beyond_the_limit_are_refused(tmp_path: Path) -> None:
    with UploadsInProcess(tmp_path, max_size=10) as client:
        part = client.upload(b"sixsix", kind=UploadKind.PARTIAL)
        with pytest.raises(MaxSizeExceeded):
            client.create(None, kind=UploadKind.FINAL, parts=(part, part))


def test_a_part_is_not_judged_by_what_it_begins_with_but_its_whole_is(tmp_path: Path) -> None:
    """A part may begin anywhere: in a tar with a text, in a film with a picture."""
    named: dict[str, Any] = {
        "metadata_header": metadata(filename="a.tar"),
        "metadata": {"filename": b"a.tar"},
    }
    text = b"a line of a text\n" * 8_000
    with UploadsInProcess(tmp_path, allowed_extensions=("tar",)) as client:
        part = client.upload(text, kind=UploadKind.PARTIAL, **named)
        assert client.state(part) is UploadState.FINISHED
        with pytest.raises(TypeMismatch):
            client.create(None, kind=UploadKind.FINAL, parts=(part,), **named)


def waiting_final(client: UploadsInProcess) -> tuple[list[UploadId], UploadId]:
    """Return a finished part and an open one, and the final upload that waits for both."""
    parts = [
        client.upload(b"first", kind=UploadKind.PARTIAL),
        client.create(6, kind=UploadKind.PARTIAL),
    ]
    return parts, client.create(None, kind=UploadKind.FINAL, parts=tuple(parts))


def failure(client: UploadsInProcess, upload_id: UploadId) -> str | None:
    task = client.ports.tasks.get(upload_id)
    assert task is not None
    return task.error_code


def test_a_final_upload_is_rejected_with_its_last_part_if_another_one_was_deleted(
    client: UploadsInProcess,
) -> None:
    (finished, is_open), final = waiting_final(client)
    client.delete(finished)
    client.append(is_open, 0, b"second")
    assert client.state(is_open) is UploadState.FINISHED
    assert client.state(final) is UploadState.REJECTED
    assert failure(client, final) == "part_removed"


def test_a_final_upload_is_rejected_at_its_examination_if_its_open_part_was_deleted(
    client: UploadsInProcess,
) -> None:
    (_, is_open), final = waiting_final(client)
    client.delete(is_open)
    assert not client.run(recover_one(client.context, final))
    assert client.state(final) is UploadState.REJECTED
    assert failure(client, final) == "part_removed"


def test_a_creation_whose_part_is_deleted_meanwhile_is_refused(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    part = client.upload(b"first", kind=UploadKind.PARTIAL)

    async def after_deletion(context: UploadContext, upload_id: UploadId) -> bool:
        await terminate(context, ME, Terminate(upload_id=part))
        return await complete_final(context, upload_id)

    monkeypatch.setattr("tusd_py.uploads.create.complete_final", after_deletion)
    with pytest.raises(PartRemoved):
        client.create(None, kind=UploadKind.FINAL, parts=(part,))
