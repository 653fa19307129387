import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from support.ids import ME, fresh_id

from tusd_py.domain.ids import UploadId
from tusd_py.domain.upload import Upload
from tusd_py.http import interim
from tusd_py.http.interim import InterimResponses, sends_interim
from tusd_py.ingest.scope_extensions import INTERIM
from tusd_py.protocol.fields import Fields
from tusd_py.protocol.ietf.versions import UNNAMED, VERSIONS, Version
from tusd_py.settings.model import Settings

OURS = {"extensions": {INTERIM: {}}}
DIRECT = Fields([(b"host", b"x")])
PROXIED = Fields([(b"host", b"x"), (b"x-forwarded-for", b"192.0.2.1")])


@pytest.mark.parametrize(
    ("values", "fields", "sent"),
    [
        ({}, DIRECT, True),
        ({}, PROXIED, False),
        ({"behind_proxy": True}, DIRECT, False),
        ({"behind_proxy": True, "interim_responses": "always"}, PROXIED, True),
        ({"interim_responses": "never"}, DIRECT, False),
    ],
)
def test_a_proxy_gets_none_unless_the_operator_says_that_it_passes_them(
    values: Mapping[str, Any], fields: Fields, sent: bool
) -> None:
    assert sends_interim(Settings(**values), OURS, fields, VERSIONS[8]) is sent


def test_no_client_gets_one_that_names_no_version_or_by_another_server() -> None:
    assert not sends_interim(Settings(), OURS, DIRECT, UNNAMED)
    assert not sends_interim(Settings(), {}, DIRECT, VERSIONS[8])


def sent_by(
    version: Version, monkeypatch: pytest.MonkeyPatch, *, creates: bool, pause: float = 0.0
) -> list[dict[str, Any]]:
    monkeypatch.setattr(interim, "LEAST_PAUSE_SECONDS", pause)
    messages: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        messages.append(message)

    def fields_of(upload_id: UploadId) -> dict[str, str]:
        return {"Location": f"/files/{upload_id}"}

    async def scene() -> None:
        responses = InterimResponses(send, version, fields_of if creates else None)
        upload = Upload(id=fresh_id(), user_id=ME, length=None, created_at=0.0)
        await responses.on_begun(upload)
        responses.on_stored(5)
        responses.on_stored(6)  # The one before is still being sent.
        await responses.close()

    asyncio.run(scene())
    return messages


def test_a_creation_gets_its_address_and_then_offsets(monkeypatch: pytest.MonkeyPatch) -> None:
    address, offset = sent_by(VERSIONS[8], monkeypatch, creates=True)
    assert (address["type"], address["status"]) == (INTERIM, 104)
    version = (b"upload-draft-interop-version", b"8")
    assert [name for name, _ in address["headers"]] == [b"location", version[0]]
    assert offset["headers"] == [(b"upload-offset", b"5"), version]


def test_an_append_gets_no_address_and_the_oldest_versions_no_offsets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(sent_by(VERSIONS[8], monkeypatch, creates=False)) == 1
    assert sent_by(VERSIONS[4], monkeypatch, creates=False) == []


def test_offsets_are_sparse(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sent_by(VERSIONS[8], monkeypatch, creates=False, pause=3600.0) == []
