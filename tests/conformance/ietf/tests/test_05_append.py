"""PATCH: the rest of the content (section 4.4)."""

import os

import pytest
from tusprobe import is_client_error
from tusprobe.raw import RawResponse

from draftprobe import Draft, Upload, integer, members, problem

CONTENT = b"0123456789"


def refused_without_a_trace(upload: Upload, response: RawResponse, offset: int) -> bool:
    """Return whether a request was refused and the upload still goes on at its offset."""
    return is_client_error(response.status) and upload.is_incomplete(offset)


# -- what is accepted -------------------------------------------------------


@pytest.mark.must
def test_i045_a_part_is_appended(draft: Draft) -> None:
    """MUST say that the upload is incomplete; up to interop 6 the status is 201."""
    response = draft.create(10).append(CONTENT[:4], 0)
    assert draft.words.completeness_of(response) is False, response
    assert draft.words.version > 6 or response.status == 201


@pytest.mark.best
def test_i046_every_answer_has_the_offset(draft: Draft) -> None:
    """A MUST up to interop 6; tus-js-client fails without it."""
    created = draft.post(CONTENT[:2], complete=False, length=10)
    upload = draft.upload_of(created)
    answers = [
        created,
        upload.append(CONTENT[2:4], 2),
        upload.append(CONTENT[4:], 4, complete=True),
    ]
    assert [integer(answer, "Upload-Offset") for answer in answers] == [2, 4, 10]


@pytest.mark.must
def test_i047_parts_become_the_representation(draft: Draft) -> None:
    upload = draft.create(10)
    upload.append(CONTENT[:4], 0)
    response = upload.append(CONTENT[4:], 4, complete=True)
    if draft.words.version >= 7:
        assert draft.words.completeness_of(response) is True, response
    assert upload.is_complete(10)
    assert upload.holds(CONTENT)


@pytest.mark.should
@pytest.mark.versions(since=7)
def test_i048_the_answer_is_that_of_one_request(draft: Draft) -> None:
    """The target answers the whole representation, however it came.

    The content is new each time: a server may say of a file that it is known.
    """
    whole = draft.post(os.urandom(10), complete=True)
    upload = draft.create(10)
    upload.append(os.urandom(4), 0)
    last = upload.append(os.urandom(6), 4, complete=True)
    assert last.status == whole.status
    assert last.get("Content-Type") == whole.get("Content-Type")
    assert members(last).keys() == members(whole).keys()


@pytest.mark.must
def test_i049_the_client_ends_the_upload_and_not_its_length(draft: Draft) -> None:
    """All bytes are there after ``?0``; the end comes with ``?1``."""
    upload = draft.create(10)
    upload.append(CONTENT, 0)
    assert upload.is_incomplete(10)
    upload.append(b"", 10, complete=True)
    assert upload.is_complete(10)
    assert upload.holds(CONTENT)


# -- offsets ----------------------------------------------------------------


def at_a_wrong_offset(draft: Draft, offset: int) -> tuple[Upload, RawResponse]:
    upload = draft.create(10, CONTENT[:4])
    return upload, upload.patch(b"x", offset, complete=False)


@pytest.mark.must
@pytest.mark.parametrize("offset", [0, 5])
def test_i050_a_wrong_offset_conflicts(draft: Draft, offset: int) -> None:
    """MUST be 409 with the right offset; from interop 7 on with ``Upload-Complete: ?0``."""
    _, response = at_a_wrong_offset(draft, offset)
    assert response.status == 409
    assert integer(response, "Upload-Offset") == 4
    assert draft.words.version < 7 or draft.words.completeness_of(response) is False, response


@pytest.mark.should
@pytest.mark.versions(since=6)
@pytest.mark.parametrize("offset", [0, 5])
def test_i051_a_wrong_offset_is_a_problem_with_a_type(draft: Draft, offset: int) -> None:
    """Section 7.1."""
    _, response = at_a_wrong_offset(draft, offset)
    found = problem(response, "mismatching-upload-offset")
    assert (found["expected-offset"], found["provided-offset"]) == (4, offset)


@pytest.mark.must
@pytest.mark.parametrize("offset", [0, 5])
def test_i052_a_wrong_offset_changes_nothing(draft: Draft, offset: int) -> None:
    upload, _ = at_a_wrong_offset(draft, offset)
    assert upload.is_incomplete(4)
    upload.append(CONTENT[4:], 4, complete=True)
    assert upload.holds(CONTENT)


@pytest.mark.must
@pytest.mark.parametrize(
    "values",
    [[], ["abc"], ["-1"], ["4.0"], ['"4"'], ["4", "4"]],
    ids=lambda values: "|".join(values) or "absent",
)
def test_i053_an_append_needs_one_offset(draft: Draft, values: list[str]) -> None:
    """A field that fails to parse is absent (RFC 9651, 4.2), and without it nothing is appended."""
    upload = draft.create(10, CONTENT[:4])
    fields = upload.append_fields(None, False) + [("Upload-Offset", value) for value in values]
    response = upload.peer.request("PATCH", upload.url, fields, b"x")
    assert refused_without_a_trace(upload, response, 4)


# -- fields and types -------------------------------------------------------


@pytest.mark.best
@pytest.mark.versions(since=7)
def test_i054_an_append_says_whether_it_completes(draft: Draft) -> None:
    """A guess would lose an upload, or end it too early."""
    upload = draft.create(10)
    response = upload.patch(CONTENT[:4], 0, complete=None)
    assert response.status == 400
    assert upload.is_incomplete(0)


@pytest.mark.must
@pytest.mark.versions(since=6)
@pytest.mark.parametrize("kind", ["application/octet-stream", None])
def test_i055_an_append_has_its_own_media_type(upload: Upload, kind: str | None) -> None:
    fields = [field for field in upload.append_fields(0, False) if field[0] != "Content-Type"]
    typed = [] if kind is None else [("Content-Type", kind)]
    response = upload.peer.request("PATCH", upload.url, [*fields, *typed], CONTENT[:4])
    assert refused_without_a_trace(upload, response, 0)


@pytest.mark.best
@pytest.mark.versions(since=6)
def test_i056_the_media_type_is_read_as_one(upload: Upload) -> None:
    """RFC 9110, 8.3.1: in any case, and it may have parameters."""
    fields = [field for field in upload.append_fields(0, False) if field[0] != "Content-Type"]
    typed = [("Content-Type", "Application/Partial-Upload; a=b")]
    response = upload.peer.request("PATCH", upload.url, [*fields, *typed], CONTENT[:4])
    assert response.status // 100 == 2
    assert upload.is_incomplete(4)


# -- lengths ----------------------------------------------------------------


@pytest.mark.must
def test_i057_nothing_lies_past_the_length(upload: Upload) -> None:
    """From interop 8 on such an upload is invalid; before, it keeps what fits."""
    response = upload.patch(CONTENT * 2, 0, complete=False, chunked=True)
    assert is_client_error(response.status)
    if upload.words.version >= 8:
        assert is_client_error(upload.head().status)
        assert is_client_error(upload.patch(b"", 10, complete=True).status)
    else:
        assert upload.offset() <= 10


@pytest.mark.must
@pytest.mark.parametrize("size", [5, 15], ids=["before", "behind"])
def test_i058_the_end_is_at_the_length(upload: Upload, size: int) -> None:
    """The Content-Length of the last request gives a length too, and there is only one."""
    response = upload.patch((CONTENT * 2)[:size], 0, complete=True)
    assert response.status == 400
    assert upload.has_not_completed()


@pytest.mark.must
@pytest.mark.versions(since=9)
def test_i059_the_end_of_chunks_is_at_the_length(upload: Upload) -> None:
    response = upload.patch(CONTENT[:5], 0, complete=True, chunked=True)
    assert response.status == 400
    assert upload.has_not_completed()


@pytest.mark.must
@pytest.mark.versions(since=6)
def test_i060_the_length_does_not_change(upload: Upload) -> None:
    response = upload.patch(CONTENT[:3], 0, [("Upload-Length", "20")], complete=False)
    assert response.status == 400
    assert upload.has_not_completed()


@pytest.mark.must
@pytest.mark.versions(since=6)
def test_i061_the_length_may_come_with_an_append(draft: Draft) -> None:
    upload = draft.create()
    response = upload.patch(CONTENT[:3], 0, [("Upload-Length", "10")], complete=False)
    assert response.status // 100 == 2
    length = upload.head().get("Upload-Length")
    assert length == "10" or (length is None and draft.words.version >= 10)


# -- complete uploads -------------------------------------------------------


@pytest.mark.best
@pytest.mark.versions(since=9)
def test_i065_a_lost_answer_can_be_had_again(draft: Draft) -> None:
    """An empty append at the end of a complete upload is answered as the last one was."""
    upload = draft.create(10)
    first = upload.append(CONTENT, 0, complete=True)
    again = upload.patch(b"", 10, complete=True)
    assert again.status == first.status
    assert again.body == first.body
    assert draft.words.completeness_of(again) is True, again


@pytest.mark.must
def test_i066_nothing_is_added_to_a_complete_upload(draft: Draft) -> None:
    """Up to interop 6 it is refused with 400; later the target's answer may come again."""
    upload = draft.create(None)
    upload.append(CONTENT, 0, complete=True)
    response = upload.patch(b"more", 10, complete=True)
    if draft.words.version <= 6:
        assert response.status == 400
    assert response.status // 100 != 2 or response.get("Upload-Offset") in (None, "10")
    assert upload.is_complete(10)
    assert upload.holds(CONTENT)


@pytest.mark.best
def test_i089_an_append_may_be_a_post_with_an_override(upload: Upload) -> None:
    """tus-js-client sends so by its option overridePatchMethod."""
    fields = [*upload.append_fields(0, False), ("X-HTTP-Method-Override", "PATCH")]
    response = upload.peer.request("POST", upload.url, fields, CONTENT[:4])
    assert response.status // 100 == 2
    assert upload.is_incomplete(4)
