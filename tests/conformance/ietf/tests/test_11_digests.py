"""Digests (RFC 9530) of content and representation (draft -11, section 10)."""

import base64
import hashlib

import pytest
from tusprobe import is_client_error

from draftprobe import Draft, Upload

CONTENT = b"0123456789"


def digest(content: bytes) -> str:
    """Return the value of a digest field by SHA-256."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


@pytest.mark.best
@pytest.mark.parametrize("value", [digest(CONTENT[:4]), "x-new=:AAAA:"], ids=["right", "unknown"])
def test_i080_a_right_digest_is_accepted(upload: Upload, value: str) -> None:
    """... and one of an unknown algorithm is ignored (RFC 9530, 2)."""
    response = upload.patch(CONTENT[:4], 0, [("Content-Digest", value)], complete=False)
    assert response.status // 100 == 2
    assert upload.is_incomplete(4)


@pytest.mark.best
def test_i081_a_wrong_digest_of_the_content_is_refused(upload: Upload) -> None:
    wrong = [("Content-Digest", digest(b"something else"))]
    response = upload.patch(CONTENT[:4], 0, wrong, complete=False)
    assert is_client_error(response.status)
    assert upload.is_incomplete(0)
    upload.append(CONTENT, 0, complete=True)
    assert upload.holds(CONTENT)


@pytest.mark.best
def test_i082_a_wrong_digest_of_the_representation_is_refused(draft: Draft) -> None:
    """The last answer refuses it, and says that there is nothing to resume."""
    upload = draft.create(10, fields=[("Repr-Digest", digest(b"something else"))])
    response = upload.patch(CONTENT, 0, complete=True)
    assert is_client_error(response.status)
    assert draft.words.completeness_of(response) is True, response
    served = upload.get()
    assert served.status != 200 or served.body != CONTENT


@pytest.mark.best
def test_i083_a_wanted_digest_is_given(draft: Draft) -> None:
    upload = draft.create(10, fields=[("Want-Repr-Digest", "sha-256=10")])
    response = upload.append(CONTENT, 0, complete=True)
    assert response.get("Repr-Digest") == digest(CONTENT)
