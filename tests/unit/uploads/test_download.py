"""Tests which uploads can be read."""

import pytest
from support.ids import ME
from support.uploads import UploadsInProcess

from tusd_py.domain.commands import Download
from tusd_py.domain.errors import (
    UploadNotFound,
    UploadUnfinished,
)
from tusd_py.uploads.download import download


def test_a_finished_upload_can_be_downloaded_and_an_unfinished_one_cannot(
    client: UploadsInProcess,
) -> None:
    upload_id = client.upload(b"0123456789")
    unfinished = client.create(5)
    objects = client.ports.objects

    async def read(start: int, length: int) -> bytes:
        content = await download(client.context, objects, ME, Download(upload_id=upload_id))
        return b"".join([piece async for piece in await content.begin(start, length)])

    assert client.run(read(0, 10)) == b"0123456789"
    assert client.run(read(3, 4)) == b"3456"
    with pytest.raises(UploadUnfinished):
        client.run(download(client.context, objects, ME, Download(upload_id=unfinished)))
    client.ports.stores.uploads.delete(upload_id)
    with pytest.raises(UploadNotFound):
        client.run(read(0, 10))
