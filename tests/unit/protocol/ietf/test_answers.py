import pytest

from tusd_py.domain.errors import (
    ChecksumMismatch,
    HashMismatch,
    LengthConflict,
    LengthExceeded,
    OffsetMismatch,
    TusdError,
    UploadComplete,
    UploadNotFound,
)
from tusd_py.protocol.ietf.answers import (
    DraftFacts,
    digest_field,
    draft_status,
    limit_field,
    problem_members,
    state_fields,
)
from tusd_py.protocol.ietf.versions import VERSIONS

TYPES = "https://iana.org/assignments/http-problem-types#"


def test_a_state_has_offset_completeness_and_length() -> None:
    facts = DraftFacts(offset=5, complete=False, length=9)
    assert state_fields(VERSIONS[8], facts) == {
        "Upload-Offset": "5",
        "Upload-Complete": "?0",
        "Upload-Length": "9",
    }
    assert "Upload-Length" not in state_fields(VERSIONS[8], DraftFacts(offset=5, complete=False))


@pytest.mark.parametrize(
    ("number", "max_size", "left", "text"),
    [
        (5, 10, 1.0, None),
        (6, 10, 59.1, "max-size=10, expires=60"),
        (8, 10, 59.1, "max-size=10, max-age=60"),
        (8, None, -1.0, "max-age=0"),
        (8, None, None, "min-size=0"),
    ],
)
def test_limits_are_a_dictionary_with_a_member(
    number: int, max_size: int | None, left: float | None, text: str | None
) -> None:
    expected = {} if text is None else {"Upload-Limit": text}
    assert limit_field(VERSIONS[number], max_size, left) == expected


@pytest.mark.parametrize(
    ("error", "members"),
    [
        (
            OffsetMismatch(current=5, given=7),
            {
                "type": f"{TYPES}mismatching-upload-offset",
                "expected-offset": 5,
                "provided-offset": 7,
            },
        ),
        (LengthConflict(), {"type": f"{TYPES}inconsistent-upload-length"}),
        (LengthExceeded(5), {"type": f"{TYPES}inconsistent-upload-length"}),
        (UploadComplete(), {"type": f"{TYPES}completed-upload"}),
        (UploadNotFound(), {}),
    ],
)
def test_the_problems_of_the_draft(error: TusdError, members: dict[str, object]) -> None:
    assert problem_members(error) == members


def test_a_digest_is_base64_between_colons() -> None:
    assert digest_field(bytes(32).hex()) == {"Repr-Digest": f"sha-256=:{'A' * 43}=:"}


def test_content_that_does_not_fit_is_a_bad_request() -> None:
    assert draft_status(LengthExceeded(5)) == 400
    assert draft_status(ChecksumMismatch(offset=0)) == 400
    assert draft_status(HashMismatch()) == 400
    assert draft_status(UploadNotFound()) is None
