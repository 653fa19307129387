"""Tests when the bytes that a process has not hashed are read again, on real adapters."""

import asyncio

import blake3
import pytest
from support.bodies import LiveBody
from support.ids import ME
from support.uploads import UploadsInProcess
from support.waiting import until

from tusd_py.domain.commands import Append
from tusd_py.ingest.asgi_body import AsgiBody
from tusd_py.uploads import receive
from tusd_py.uploads.append import append

CONTENT = bytes(range(256)) * 10


def append_the_rest(client: UploadsInProcess, start: int, early: bool) -> int:
    """Create an upload, restart behind ``start`` bytes, send the rest, and return its re-reads.

    ``early``: the body ends only after all that came before it was hashed.
    """
    upload_id = client.create(len(CONTENT))
    client.append(upload_id, 0, CONTENT[:start])
    client.restart()

    async def scene() -> None:
        live = LiveBody()
        command = Append(upload_id=upload_id, offset=start)
        body = AsgiBody(live.receive, client.threads)
        patch = asyncio.create_task(append(client.context, ME, command, body))
        upload = client.ports.catalog.uploads.get(upload_id)
        assert upload is not None
        try:
            if early:
                await until(lambda: client.context.running_hash(upload).hashed == start)
        finally:
            live.send(CONTENT[start:])
            live.finish()
            await patch

    client.run(scene())
    assert client.job(upload_id).file_hash == blake3.blake3(CONTENT).hexdigest()
    return client.context.running_hashes.reread_bytes


def test_much_is_read_while_the_rest_still_arrives(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "REHASH_EARLY_BYTES", 999)
    assert append_the_rest(client, 1000, early=True) == 1000


def test_little_is_read_at_the_end(
    client: UploadsInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receive, "REHASH_EARLY_BYTES", 1000)
    monkeypatch.setattr(receive, "start_rehash", lambda *_: pytest.fail("read early"))
    assert append_the_rest(client, 1000, early=False) == len(CONTENT)
