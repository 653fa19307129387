"""HEAD and GET: where to go on (section 4.3)."""

import pytest
from tusprobe.raw import RawResponse

from draftprobe import Draft, Upload, integer, upload_limit

CONTENT = b"0123456789"


def begun(draft: Draft) -> Upload:
    """Return an upload of 10 bytes with 4 of them."""
    return draft.create(10, CONTENT[:4])


def is_not_stored(response: RawResponse) -> bool:
    return "no-store" in (response.get("Cache-Control") or "").lower()


@pytest.mark.must
def test_i032_head_gives_the_state(draft: Draft) -> None:
    """MUST have Upload-Offset; what else is owed depends on the version."""
    version = draft.words.version
    response = begun(draft).head()
    assert response.status // 100 == 2
    assert integer(response, "Upload-Offset") == 4
    assert version > 9 or draft.words.completeness_of(response) is False, response
    assert not 6 <= version <= 9 or integer(response, "Upload-Length") == 10
    assert version < 8 or upload_limit(response), response


@pytest.mark.should
def test_i033_head_is_answered_with_204_and_not_cached(draft: Draft) -> None:
    response = begun(draft).head()
    assert response.status == 204
    assert is_not_stored(response)


@pytest.mark.best
def test_i034_head_needs_no_version(draft: Draft) -> None:
    """A client of the RFC sends none, and there is nothing else to know it by."""
    upload = begun(draft)
    response = upload.peer.request("HEAD", upload.url)
    assert response.status == 204
    assert is_not_stored(response)
    assert integer(response, "Upload-Offset") == 4


@pytest.mark.must
@pytest.mark.named
@pytest.mark.versions(since=9)
def test_i035_get_is_offset_retrieval_too(draft: Draft) -> None:
    upload = begun(draft)
    response = upload.peer.request("GET", upload.url, draft.fields())
    assert response.status // 100 == 2
    assert integer(response, "Upload-Offset") == 4


@pytest.mark.must
def test_i036_head_of_a_complete_upload(draft: Draft) -> None:
    """The upload may go with its completion (404, 410); else HEAD says what it is."""
    assert draft.create_complete(CONTENT).is_complete(10)


@pytest.mark.must
def test_i037_an_upload_that_never_was_is_not_found(draft: Draft) -> None:
    assert Upload(draft, draft.peer.resolve("no-such-upload")).is_gone()


@pytest.mark.must
@pytest.mark.versions(until=6)
@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
def test_i038_upload_offset_is_refused(draft: Draft, method: str) -> None:
    """Draft -05, section 5: MUST be answered with 400."""
    upload = begun(draft)
    fields = [*draft.fields(), ("Upload-Offset", "4")]
    assert upload.peer.request(method, upload.url, fields).status == 400
    assert upload.is_incomplete(4)


@pytest.mark.best
def test_i095_get_of_an_incomplete_upload_needs_no_version(draft: Draft) -> None:
    """... and gives no content, as there is no file yet."""
    response = begun(draft).get()
    assert response.status // 100 == 2
    assert integer(response, "Upload-Offset") == 4
    assert response.body == b""
