"""Tests that the uploads of a user are hidden from others."""

from collections.abc import Coroutine
from typing import Any

import pytest
from support.ids import ME, OTHER, fresh_id
from support.uploads import UploadsInProcess

from tusd_py.domain.commands import Append, Download, Inspect, Terminate
from tusd_py.domain.errors import (
    UploadNotFound,
)
from tusd_py.uploads.append import append
from tusd_py.uploads.download import download
from tusd_py.uploads.inspect import inspect
from tusd_py.uploads.terminate import terminate


def test_an_upload_of_another_user_is_not_found(client: UploadsInProcess) -> None:
    upload_id = client.create(10)
    commands: list[Coroutine[Any, Any, object]] = [
        inspect(client.context, OTHER, Inspect(upload_id=upload_id)),
        append(client.context, OTHER, Append(upload_id=upload_id, offset=0), client.body(b"x")),
        terminate(client.context, OTHER, Terminate(upload_id=upload_id)),
        download(client.context, client.ports.objects, OTHER, Download(upload_id=upload_id)),
        inspect(client.context, ME, Inspect(upload_id=fresh_id())),
    ]
    for command in commands:
        with pytest.raises(UploadNotFound) as refused:
            client.run(command)
        assert str(refused.value) == UploadNotFound.sentence
    assert client.head(upload_id).offset == 0
