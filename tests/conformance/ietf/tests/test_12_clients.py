"""What the known clients do, from the first request to the last; and tus beside the draft."""

import os

import pytest
from tusprobe import OFFSET_STREAM, TUS, require

from draftprobe import VERSION_FIELD, Draft, Upload, integer, next_interim

CONTENT = b"0123456789"
PAGE_SENDS = {
    "content-type",
    "upload-complete",
    "upload-draft-interop-version",
    "upload-length",
    "upload-offset",
}
PAGE_READS = {"location", "upload-complete", "upload-length", "upload-limit", "upload-offset"}


@pytest.mark.best
@pytest.mark.named
@pytest.mark.needs_interim
def test_i085_a_whole_upload_with_a_break(draft: Draft) -> None:
    """As iOS does: one request; after the break HEAD, then the rest."""
    size = 256 << 10
    data = bytes(range(256)) * (size // 256)
    with draft.begin_post(size) as connection:
        head = next_interim(connection)
        assert head.get(VERSION_FIELD) == draft.words.name
        upload = draft.upload_at(head)
        connection.send(data[: size // 2])
        connection.arrived(5)
    response = upload.head()
    assert response.status in (200, 204)
    if draft.words.version < 10:
        assert draft.words.completeness_of(response) is False, response
    offset = integer(response, "Upload-Offset")
    upload.append(data[offset:], offset, complete=True)
    assert upload.is_complete(size)
    assert upload.holds(data)


@pytest.mark.best
@pytest.mark.versions(since=1000)
def test_i086_a_client_of_the_rfc(draft: Draft) -> None:
    """It sends no version with anything, and gets no 104."""
    created = draft.post(complete=False, length=10)
    assert created.status == 201
    upload = draft.upload_of(created)
    assert upload.append(CONTENT[:4], 0).status == 204
    assert upload.head().status == 204
    last = upload.append(CONTENT[4:], 4, complete=True)
    assert draft.words.completeness_of(last) is True, last
    assert upload.holds(CONTENT)


# -- tus beside it ----------------------------------------------------------


@pytest.mark.must
def test_i087_a_client_of_tus_on_ios_gets_tus(draft: Draft) -> None:
    """iOS adds the draft's fields to every upload task, also to those of clients of tus."""
    draft.peer.needs_tus()
    added = [*TUS.items(), *draft.fields(complete=True)]
    sized = [*added, ("Upload-Length", "10")]
    created = draft.peer.request("POST", draft.peer.url, sized)
    upload = draft.upload_of(created)
    own = [*added, ("Upload-Offset", "0"), ("Content-Type", OFFSET_STREAM)]
    appended = draft.peer.request("PATCH", upload.url, own, CONTENT)
    assert (created.status, appended.status) == (201, 204)
    for answer in (created, appended):
        assert answer.get("Tus-Resumable") == "1.0.0"
        assert answer.get(draft.words.completeness) is None
        assert answer.interim == []
    state = draft.peer.request("HEAD", upload.url, list(TUS.items()))
    assert integer(state, "Upload-Offset") == 10
    assert upload.holds(CONTENT)


def by_tus(upload: Upload, offset: int, content: bytes) -> None:
    own = [*TUS.items(), ("Upload-Offset", str(offset)), ("Content-Type", OFFSET_STREAM)]
    assert upload.peer.request("PATCH", upload.url, own, content).status == 204


@pytest.mark.best
@pytest.mark.parametrize("first", ["tus", "draft"])
def test_i088_one_protocol_begins_and_the_other_ends(draft: Draft, first: str) -> None:
    draft.peer.needs_tus()
    if first == "tus":
        sized = [*TUS.items(), ("Upload-Length", "10")]
        upload = draft.upload_of(draft.peer.request("POST", draft.peer.url, sized))
        by_tus(upload, 0, CONTENT[:4])
        upload.append(CONTENT[4:], 4, complete=True)
        # Without any field HEAD is for what began the upload, and so is this one.
        state = draft.peer.request("HEAD", upload.url, list(TUS.items()))
        assert integer(state, "Upload-Offset") == 10
    else:
        upload = draft.create(10)
        upload.append(CONTENT[:4], 0)
        by_tus(upload, 4, CONTENT[4:])
        assert upload.is_complete(10)
    assert upload.holds(CONTENT)


# -- pages ------------------------------------------------------------------


@pytest.mark.best
@pytest.mark.versions(since=6, until=6)
def test_i090_a_page_of_another_origin_may_send(draft: Draft) -> None:
    """tus-js-client speaks the draft in browsers (Fetch standard, CORS protocol)."""
    origin = [("Origin", os.environ.get("RUFH_ORIGIN", "https://app.example.test"))]
    created = draft.post(fields=origin, complete=False, length=10)
    allowed = created.get("Access-Control-Allow-Origin")
    require(allowed is not None, "the server leaves pages of other origins to its proxy")
    exposed = (created.get("Access-Control-Expose-Headers") or "").lower()
    assert exposed == "*" or set(exposed.replace(" ", "").split(",")) >= PAGE_READS
    for method, url in (("POST", draft.peer.url), ("PATCH", draft.upload_of(created).url)):
        wanted = [
            ("Access-Control-Request-Method", method),
            ("Access-Control-Request-Headers", ",".join(sorted(PAGE_SENDS))),
        ]
        answer = draft.peer.request("OPTIONS", url, origin + wanted)
        assert answer.status // 100 == 2
        headers = (answer.get("Access-Control-Allow-Headers") or "").lower()
        assert headers == "*" or set(headers.replace(" ", "").split(",")) >= PAGE_SENDS
        methods = answer.get("Access-Control-Allow-Methods") or ""
        assert methods == "*" or method in methods or method == "POST"
