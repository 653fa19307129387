"""Behind a proxy that can't pass 104 (section 5)."""

import pytest

from draftprobe import Draft, integer

CONTENT = b"0123456789"
LARGE = bytes(1 << 20)
"""Some of it is still on its way when the server knows the upload: it would send a 104 now."""


@pytest.mark.best
@pytest.mark.needs_env("RUFH_PROXY")
def test_i094_a_connection_through_a_proxy_stays_in_step(draft: Draft) -> None:
    """nginx passes a 104 on as the answer, and gives the answer to the next request."""
    peer = draft.peer
    with peer.connect() as connection:
        whole = peer.exchange(connection, "POST", peer.url, draft.fields(complete=True), LARGE)
        first = draft.upload_of(whole)
        state = peer.exchange(connection, "HEAD", first.url, draft.fields())
        careful = draft.fields(complete=False, length=10)
        second = draft.upload_of(peer.exchange(connection, "POST", peer.url, careful))
        fields = second.append_fields(0, True)
        last = peer.exchange(connection, "PATCH", second.url, fields, CONTENT)
        assert whole.interim == []
        assert integer(state, "Upload-Offset") == len(LARGE)
        assert last.status // 100 == 2
        assert second.url != first.url
    assert second.is_complete(10)
    assert second.holds(CONTENT)
