"""Uploads by the IETF's draft over real connections, both ways of receiving, and over TLS.

``tests/conformance/ietf`` has the rules of the draft one by one.
"""

import asyncio
import base64
import hashlib
import os
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.nginx import write_certificate
from support.raw_http import Connection
from support.server import Server
from support.tus import TUS, create, head, task_id
from support.uvicorn_server import serving
from support.waiting import wait_until

from tusd_py import Settings, create_app

VERSION = "Upload-Draft-Interop-Version"
MIB = 1 << 20


def begin(connection: Connection, server: Server, length: int | None, **fields: Any) -> None:
    framing: dict[str, Any] = (
        {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": length}
    )
    fields = {VERSION: "8", "Upload-Complete": "?1", **framing, **fields}
    connection.send(connection.plain("POST", server.files, **fields))


def offset_of(url: str) -> httpx.Response:
    answer = httpx.head(url, headers={VERSION: "8"})
    assert answer.status_code == 204, answer.status_code
    return answer


@pytest.mark.parametrize("length", [3 * MIB, None], ids=["known", "chunked"])
def test_a_broken_one_shot_upload_is_resumed(
    server: Server, connection: Connection, length: int | None
) -> None:
    content = os.urandom(3 * MIB)
    begin(connection, server, length)
    interim = connection.answer()
    assert (interim.status, interim.headers[VERSION.lower()]) == (104, "8")
    url = interim.headers["location"]
    half = content[:MIB]
    connection.send(half if length else b"%x\r\n%b\r\n" % (MIB, half))
    wait_until(lambda: len(server.file_of(url).read_bytes()) == MIB)
    connection.reset()
    state = offset_of(url).headers
    assert (state["Upload-Offset"], state["Upload-Complete"]) == (str(MIB), "?0")
    ended = httpx.patch(
        url,
        content=content[MIB:],
        headers={
            VERSION: "8", "Upload-Complete": "?1", "Upload-Offset": str(MIB),
            "Content-Type": "application/partial-upload",
        },
    )  # fmt: skip
    assert (ended.status_code, ended.headers["Upload-Complete"]) == (201, "?1")
    assert ended.json()["task_id"] == task_id(url)
    assert server.file_of(url).read_bytes() == content


def test_each_answer_belongs_to_its_request(server: Server, connection: Connection) -> None:
    for length in (MIB, None):
        content = os.urandom(MIB)
        begin(connection, server, length)
        first = connection.answer()
        assert first.status == 104
        connection.send(content if length else b"%x\r\n%b\r\n0\r\n\r\n" % (MIB, content))
        final = connection.answers()[-1]
        assert (final.status, final.headers["location"]) == (201, first.headers["location"])
        connection.send(connection.plain("HEAD", final.headers["location"], **{VERSION: "8"}))
        state = connection.answer(to_head=True)
        assert (state.status, state.headers["upload-offset"]) == (204, str(MIB))
        assert server.file_of(final.headers["location"]).read_bytes() == content


def test_offsets_are_announced_while_a_body_arrives(server: Server, connection: Connection) -> None:
    begin(connection, server, 3 * MIB)
    url = connection.answer().headers["location"]
    offsets: list[int] = []
    sent = 0
    # Bytes go on until two offsets came: they are a second apart.
    connection.socket.settimeout(0.1)
    while len(offsets) < 2:
        assert sent < 3 * MIB - 4096, offsets
        connection.send(b"x" * 4096)
        sent += 4096
        try:
            interim = connection.answer()
        except TimeoutError:
            continue
        assert "location" not in interim.headers
        offsets.append(int(interim.headers["upload-offset"]))
        assert offsets[-1] <= sent
    assert offsets == sorted(offsets)
    connection.socket.settimeout(30)
    connection.reset()
    assert int(offset_of(url).headers["Upload-Offset"]) >= offsets[-1]


def test_what_is_refused_behind_its_address_leaves_a_tombstone(
    server: Server, connection: Connection
) -> None:
    begin(connection, server, None, Upload_Length=10)
    url = connection.answer().headers["location"]
    connection.send(b"5\r\nshort\r\n0\r\n\r\n")
    refused = connection.answer()
    assert (refused.status, refused.headers["upload-complete"]) == (400, "?0")
    assert b"inconsistent-upload-length" in refused.body
    assert httpx.head(url, headers={VERSION: "8"}).status_code == 410


def test_a_client_of_tus_on_ios_speaks_tus(server: Server, connection: Connection) -> None:
    fields = {VERSION: "8", "Upload-Complete": "?1", "Content-Length": 0, "Upload-Length": 5}
    connection.send(connection.request("POST", server.files, **fields))
    made = connection.answer()
    assert (made.status, made.headers["tus-resumable"]) == (201, "1.0.0")
    assert not {"upload-complete", VERSION.lower()} & made.headers.keys()
    url = made.headers["location"]
    connection.send(connection.patch(url, 0, 5, **{VERSION: "8", "Upload-Complete": "?0"}))
    connection.send(b"12345")
    assert connection.answer().status == 204
    assert head(url).headers["Upload-Offset"] == "5"
    assert server.file_of(url).read_bytes() == b"12345"


def test_requests_without_a_version_get_the_answers_of_their_upload(server: Server) -> None:
    """A client of the later RFC has no field of its own in HEAD, GET and DELETE."""
    draft = httpx.post(
        server.files, headers={"Upload-Complete": "?0", "Upload-Length": "5"}
    ).headers["Location"]
    for method in ("HEAD", "GET"):
        state = httpx.request(method, draft)
        assert (state.status_code, state.headers["Upload-Offset"]) == (204, "0")
    ended = httpx.patch(
        draft,
        content=b"12345",
        headers={
            "Upload-Complete": "?1", "Upload-Offset": "0",
            "Content-Type": "application/partial-upload",
        },
    )  # fmt: skip
    assert (ended.status_code, ended.headers["Upload-Complete"]) == (201, "?1")
    assert httpx.get(draft).content == b"12345"
    whole = httpx.head(draft)
    assert (whole.status_code, whole.headers["Content-Length"]) == (200, "5")
    assert (whole.headers["Upload-Offset"], whole.headers["Upload-Complete"]) == ("5", "?1")
    assert whole.headers["Upload-Length"] == "5"
    assert httpx.delete(draft).status_code == 204
    assert httpx.head(draft, headers={VERSION: "8"}).status_code == 410
    tus = create(server, 5)
    assert [httpx.request(m, tus).status_code for m in ("HEAD", "GET", "DELETE")] == [412, 409, 412]
    assert head(tus).status_code == 200


def test_content_with_a_wrong_digest_is_not_kept(server: Server) -> None:
    first = {VERSION: "8", "Upload-Complete": "?0", "Upload-Length": "5"}
    url = httpx.post(server.files, headers=first).headers["Location"]
    digest = base64.b64encode(hashlib.sha256(b"12345").digest()).decode()
    last = {
        VERSION: "8", "Upload-Complete": "?1", "Upload-Offset": "0",
        "Content-Type": "application/partial-upload", "Content-Digest": f"sha-256=:{digest}:",
    }  # fmt: skip
    refused = httpx.patch(url, headers=last, content=b"12346")
    assert (refused.status_code, refused.headers["Upload-Offset"]) == (400, "0")
    assert offset_of(url).headers["Upload-Offset"] == "0"
    assert httpx.patch(url, headers=last, content=b"12345").status_code == 201


def test_the_digest_of_the_whole_file_is_checked_and_given(server: Server) -> None:
    right, wrong = (
        f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
        for content in (b"12345", b"other")
    )
    whole = {VERSION: "8", "Upload-Complete": "?1"}
    given = httpx.post(
        server.files, content=b"12345", headers={**whole, "Want-Repr-Digest": "sha-256=1"}
    )
    assert (given.status_code, given.headers["Repr-Digest"]) == (201, right)
    accepted = httpx.post(server.files, content=b"12345", headers={**whole, "Repr-Digest": right})
    assert accepted.status_code == 201
    refused = httpx.post(server.files, content=b"12345", headers={**whole, "Repr-Digest": wrong})
    assert (refused.status_code, refused.headers["Upload-Complete"]) == (400, "?1")
    assert refused.json()["code"] == "hash_mismatch"


def test_options_list_both_protocols(server: Server) -> None:
    state = httpx.options(server.files)
    assert state.headers["Tus-Version"] == TUS["Tus-Resumable"]
    assert state.headers["Upload-Limit"].startswith("max-size=")


def test_a_104_comes_over_tls_in_process_too(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key", tmp_path / "certificate"
    write_certificate(certificate, key)

    async def scene() -> None:
        app = create_app(Settings(data_dir=tmp_path / "data", workers=0))
        files = {"ssl_keyfile": str(key), "ssl_certfile": str(certificate)}
        trusting = ssl.create_default_context(cafile=str(certificate))
        async with app.router.lifespan_context(app), serving(app, **files) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting)
            writer.write(
                b"POST /files/ HTTP/1.1\r\nHost: localhost\r\nUpload-Complete: ?1\r\n"
                b"Upload-Draft-Interop-Version: 8\r\nContent-Length: 5\r\n\r\n"
            )
            interim = await reader.readuntil(b"\r\n\r\n")
            assert interim.startswith(b"HTTP/1.1 104 ")
            assert b"location: https://localhost/files/" in interim
            writer.write(b"12345")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 201 ")
            writer.close()

    asyncio.run(scene())
