"""What of a selection is in an archive, and what happens to a file between the plan and its turn."""

import zipfile
from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pytest
from blake3 import blake3
from support.catalog import STORED, complete
from support.ids import ME, OTHER
from support.uploads import UploadsInProcess, stored_file

from tusd_py.catalog.values import FileQuery, StoredContent
from tusd_py.domain.errors import (
    ArchiveTooLarge,
    RenditionNotFound,
    TaskNotFound,
    UploadNotFound,
    UploadUnfinished,
)
from tusd_py.domain.ids import UploadId
from tusd_py.protocol.fields import decode_metadata, metadata_header
from tusd_py.uploads.archive import Archive, Selection, archive

CONTENT = b"0123456789"


def sent(client: UploadsInProcess, content: bytes, **metadata: str) -> UploadId:
    header = metadata_header(metadata)
    return client.upload(content, metadata_header=header, metadata=decode_metadata(header))


def planned(
    client: UploadsInProcess, chosen: Sequence[UploadId] | FileQuery, *, limit: int = 10
) -> Archive:
    selection = Selection(user_id=ME, chosen=chosen)
    return client.run(archive(client.context, client.ports.objects, selection, limit=limit))


def unpacked(client: UploadsInProcess, found: Archive) -> dict[str, bytes]:
    async def read() -> bytes:
        return b"".join([piece async for piece in await found.begin()])

    made = client.run(read())
    assert len(made) == found.size
    with zipfile.ZipFile(BytesIO(made)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


def move(client: UploadsInProcess, upload_id: UploadId, content: bytes = CONTENT) -> None:
    """Do what the pipeline does: the object is there, the pool has it, the upload's bytes are gone."""
    digest = blake3(content).hexdigest()
    key = f"pool/{digest[:2]}/{digest}"
    source = Path(client.ports.stores.uploads.location(upload_id)).with_suffix(".made")
    source.write_bytes(content)
    client.ports.objects.put_file(
        key, source, content_hash=digest, content_type="", multipart_state=cast("Any", None)
    )
    stored: StoredContent = replace(
        STORED, object_key=key, stored_hash=digest, stored_size=len(content), ext=".txt"
    )
    complete(client.ports.catalog, upload_id, stored)
    stored_file(client.ports, upload_id).unlink()


def test_files_that_are_moved_to_the_object_store_meanwhile_are_read_there(
    client: UploadsInProcess,
) -> None:
    upload_id = sent(client, CONTENT, filename="a.txt", relativePath="in/a.txt")
    found = planned(client, [upload_id])
    move(client, upload_id)
    assert unpacked(client, found) == {"in/a.txt": CONTENT}
    assert unpacked(client, planned(client, FileQuery(folder="in"))) == {"in/a.txt": CONTENT}


def test_a_file_that_becomes_another_one_meanwhile_ends_the_archive(
    client: UploadsInProcess,
) -> None:
    first, second = (sent(client, CONTENT + name.encode(), filename=name) for name in "ab")
    found = planned(client, [first, second])
    move(client, second, b"smaller")
    with pytest.raises(RenditionNotFound):
        unpacked(client, found)
    assert unpacked(client, planned(client, [first, second])) == {
        "a": CONTENT + b"a",
        "b.txt": b"smaller",
    }


def test_a_deleted_file_is_in_no_archive(client: UploadsInProcess) -> None:
    first, second = (sent(client, CONTENT + name.encode(), filename=name) for name in "ab")
    found = planned(client, [first, second])
    client.delete(second)
    with pytest.raises(UploadNotFound):
        unpacked(client, found)
    with pytest.raises(TaskNotFound):
        planned(client, [first, second])
    assert planned(client, FileQuery()).files == 1


def test_only_complete_files_of_the_owner_are_taken(client: UploadsInProcess) -> None:
    ready = client.upload(CONTENT)
    half = client.create(5)
    theirs = client.upload(CONTENT, OTHER)
    found = planned(client, [ready, half])
    assert (found.files, found.unfinished) == (1, 1)
    with pytest.raises(UploadUnfinished):
        planned(client, [half])
    with pytest.raises(TaskNotFound):
        planned(client, [ready, theirs])
    with pytest.raises(TaskNotFound):
        planned(client, FileQuery(name="none"))


def test_the_number_of_files_is_limited(client: UploadsInProcess) -> None:
    ids = [client.upload(CONTENT + bytes([number])) for number in range(3)]
    assert planned(client, ids, limit=3).files == 3
    with pytest.raises(ArchiveTooLarge):
        planned(client, ids, limit=2)
    with pytest.raises(ArchiveTooLarge):
        planned(client, FileQuery(), limit=2)
