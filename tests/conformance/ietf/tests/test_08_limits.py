"""Upload-Limit (section 4.1.4)."""

import os

import pytest
from tusprobe import require
from tusprobe.raw import RawResponse

from draftprobe import Draft, upload_limit


def announced(draft: Draft, name: str) -> int:
    """Return a limit of the server, which it announces by OPTIONS."""
    found = upload_limit(draft.options()).get(name)
    if found is None and name == "max-size":
        by_tus = draft.peer.discovery.get("Tus-Max-Size")
        found = int(by_tus) if by_tus else None
    require(found is not None, f"the server announces no {name}")
    assert found is not None
    return found


def refused_for_size(draft: Draft, response: RawResponse) -> bool:
    """Return whether it is 413; Upload-Limit came with interop 6."""
    limited = draft.words.version < 6 or bool(upload_limit(response))
    return response.status == 413 and limited


@pytest.mark.should
def test_i031_a_representation_that_is_too_large_is_refused(draft: Draft) -> None:
    size = announced(draft, "max-size")
    response = draft.post(complete=False, length=size + 1)
    assert refused_for_size(draft, response), response


@pytest.mark.best
@pytest.mark.versions(since=6)
def test_i067_a_request_that_is_too_large_is_refused(draft: Draft) -> None:
    size = announced(draft, "max-append-size")
    upload = draft.create(2 * size + 2)
    assert refused_for_size(draft, draft.post(bytes(size + 1), complete=False))
    assert refused_for_size(draft, upload.patch(bytes(size + 1), 0, complete=False))
    assert upload.is_incomplete(0)


@pytest.mark.must
@pytest.mark.versions(since=6)
def test_i068_the_first_and_the_last_request_may_be_small(draft: Draft) -> None:
    """``min-append-size`` is for what lies between."""
    require(announced(draft, "min-append-size") > 1, "the server takes a byte")
    upload = draft.create(1)
    upload.append(b"x", 0, complete=True)
    assert upload.is_complete(1)


@pytest.mark.best
@pytest.mark.versions(since=6)
@pytest.mark.needs_env("RUFH_EXPIRY")
def test_i069_the_time_that_is_left_is_given(draft: Draft) -> None:
    """Seconds, and never more than a moment ago."""
    upload = draft.create(10)
    first, second = (upload_limit(upload.head())[draft.words.lifetime] for _ in range(2))
    assert second <= first <= int(os.environ["RUFH_EXPIRY"])
