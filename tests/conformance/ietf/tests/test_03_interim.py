"""104 (Upload Resumption Supported): the address before the content has come (section 5)."""

import pytest
from tusprobe.raw import RawResponse

from draftprobe import (
    VERSION_FIELD,
    Draft,
    Peer,
    integer,
    next_interim,
    upload_limit,
)

CONTENT = b"0123456789"


def statuses(heads: list[RawResponse]) -> list[int]:
    return [head.status for head in heads]


@pytest.mark.should
@pytest.mark.named
@pytest.mark.needs_interim
def test_i007_the_address_comes_before_the_content(draft: Draft) -> None:
    """SHOULD send 104 with Location as soon as the upload exists."""
    with draft.begin_post(len(CONTENT)) as connection:
        assert next_interim(connection).get("Location")
        connection.send(CONTENT)
        assert connection.read_response("POST").status // 100 == 2


@pytest.mark.must
@pytest.mark.named
@pytest.mark.needs_interim
def test_i008_the_104_has_what_the_draft_wants(draft: Draft) -> None:
    """MUST have Location and the version; from interop 8 on the limits."""
    with draft.begin_post(len(CONTENT)) as connection:
        head = next_interim(connection)
    assert head.get("Location")
    assert head.get(VERSION_FIELD) == draft.words.name
    assert draft.words.version < 8 or upload_limit(head), head


@pytest.mark.must
@pytest.mark.named
@pytest.mark.needs_interim
def test_i009_104_and_answer_have_one_address(draft: Draft) -> None:
    """The Location of the answer to an incomplete creation MUST be that of the 104."""
    with draft.begin_post(len(CONTENT), complete=False) as connection:
        head = next_interim(connection)
        connection.send(CONTENT)
        response = connection.read_response("POST")
    assert response.status // 100 == 2
    assert response.get("Location") == head.get("Location")


@pytest.mark.must
def test_i010_no_104_without_a_version(peer: Peer) -> None:
    """MUST NOT while the draft is one: the client may not expect it."""
    response = peer.request("POST", peer.url, [("Upload-Complete", "?1")], CONTENT)
    assert statuses(response.interim) == []


@pytest.mark.must
@pytest.mark.parametrize("version", ["1", "999", "abc", "8.0", '"8"'])
def test_i011_no_104_for_an_unknown_version(peer: Peer, version: str) -> None:
    """MUST NOT where the versions don't match, or the field is malformed."""
    fields = [("Upload-Complete", "?1"), ("Upload-Incomplete", "?0"), (VERSION_FIELD, version)]
    response = peer.request("POST", peer.url, fields, CONTENT)
    assert statuses(response.interim) == []


@pytest.mark.must
def test_i012_no_interim_response_by_http_1_0(draft: Draft) -> None:
    """RFC 9110, 15.2: a server MUST NOT send a 1xx response to an HTTP/1.0 client."""
    response = draft.post(CONTENT, complete=True, http_version="1.0")
    assert statuses(response.interim) == []


@pytest.mark.must
def test_i013_100_comes_whether_or_not_104_came(draft: Draft) -> None:
    """Section 5: a 104 is not what a client waits for that sent ``Expect: 100-continue``."""
    expecting = [("Expect", "100-continue")]
    with draft.begin_post(len(CONTENT), fields=expecting) as connection:
        assert next_interim(connection, 100).status == 100
        connection.send(CONTENT)
        assert connection.read_response("POST").status // 100 == 2


@pytest.mark.must
@pytest.mark.named
@pytest.mark.needs_interim
def test_i014_each_answer_belongs_to_its_request(draft: Draft) -> None:
    """RFC 9112, 6.3: interim responses don't count on a connection."""
    peer = draft.peer
    places = []
    with peer.connect() as connection:
        for size in (5, 7):
            peer.send_head(connection, "POST", peer.url, draft.fields(complete=True), size)
            places.append(draft.upload_at(next_interim(connection)).url)
            connection.send(CONTENT[:size])
            assert connection.read_response("POST").status // 100 == 2
        answer = peer.exchange(connection, "HEAD", places[1], draft.fields())
        assert places[0] != places[1]
        assert integer(answer, "Upload-Offset") == 7
        assert connection.stays_silent(0.1)
