"""Creation: the first request of an upload (section 4.2)."""

import zlib

import pytest
from tusprobe import TUS, encode_metadata, parse_metadata, require
from tusprobe.raw import RawResponse

from draftprobe import PARTIAL_UPLOAD, Draft, Upload, addresses, problem, upload_limit

LENGTH = 200 << 10
PART = 64 << 10
DATA = bytes(range(256)) * (LENGTH // 256)


# -- careful creation -------------------------------------------------------


@pytest.mark.must
def test_i005_careful_creation_gives_an_address(draft: Draft) -> None:
    """MUST have Location; from interop 8 on the limits are owed as well."""
    response = draft.post(complete=False, length=10)
    assert response.status // 100 == 2
    assert response.get("Location")
    assert draft.words.version < 8 or upload_limit(response), response


@pytest.mark.should
def test_i006_careful_creation_is_answered_with_201(draft: Draft) -> None:
    response = draft.post(complete=False, length=10)
    assert response.status == 201
    assert draft.words.completeness_of(response) is False, response


# -- all in one request -----------------------------------------------------


@pytest.mark.must
def test_i015_one_request_makes_a_complete_upload(draft: Draft) -> None:
    """The target handles the request as if there were no resumable uploads."""
    upload = draft.create_complete(DATA)
    assert upload.is_complete(LENGTH)
    assert upload.holds(DATA)


@pytest.mark.should
@pytest.mark.versions(since=7)
def test_i016_the_answer_of_a_complete_upload_says_so(draft: Draft) -> None:
    response = draft.post(DATA, complete=True)
    assert draft.words.completeness_of(response) is True, response


@pytest.mark.must
def test_i017_the_content_may_be_chunked(draft: Draft) -> None:
    """No length is known before the last chunk, and none is needed."""
    upload = draft.upload_of(draft.post(DATA, complete=True, chunked=True))
    assert upload.is_complete(LENGTH)
    assert upload.holds(DATA)


@pytest.mark.must
def test_i018_an_empty_representation_is_one(draft: Draft) -> None:
    upload = draft.create_complete(b"")
    assert upload.is_complete(0)
    assert upload.holds(b"")


# -- a first part -----------------------------------------------------------


@pytest.mark.must
def test_i019_a_first_part_may_come_with_the_creation(draft: Draft) -> None:
    upload = draft.create(LENGTH, DATA[:PART])
    assert upload.is_incomplete(PART)


@pytest.mark.must
def test_i020_a_length_that_is_unknown_is_not_invented(draft: Draft) -> None:
    response = draft.create(None, b"first part").head()
    assert response.get("Upload-Length") is None


# -- lengths that disagree --------------------------------------------------


def with_two_lengths(draft: Draft) -> RawResponse:
    return draft.post(b"01234", complete=True, length=10)


@pytest.mark.must
def test_i021_lengths_that_disagree_are_refused(draft: Draft) -> None:
    """Content-Length of a complete representation and Upload-Length MUST be the same."""
    response = with_two_lengths(draft)
    assert response.status == 400
    for head in addresses(response.interim):
        assert draft.upload_at(head).has_not_completed()


@pytest.mark.should
@pytest.mark.versions(since=7)
def test_i022_lengths_that_disagree_are_a_problem_with_a_type(draft: Draft) -> None:
    """Section 7.2."""
    response = with_two_lengths(draft)
    problem(response, "inconsistent-upload-length")
    assert draft.words.completeness_of(response) is False, response


# -- structured fields ------------------------------------------------------


@pytest.mark.must
@pytest.mark.versions(since=7)
@pytest.mark.parametrize("values", [["1"], ["true"], ["?2"], ["?1", "?1"]], ids="|".join)
def test_i023_a_malformed_upload_complete_is_ignored(draft: Draft, values: list[str]) -> None:
    """RFC 9651, 4.2: a field that fails to parse is as if it were absent."""
    said = [("Upload-Complete", value) for value in values]
    response = draft.peer.request("POST", draft.peer.url, [*draft.fields(), *said], b"01234")
    assert [head.status for head in response.interim if head.status == 104] == []
    assert response.get("Upload-Complete") is None, response


@pytest.mark.must
@pytest.mark.versions(since=5)
def test_i024_parameters_are_ignored(draft: Draft) -> None:
    """RFC 9651, 3.3: an Item may have parameters."""
    said = [("Upload-Complete", "?0;a=1"), ("Upload-Length", "1000;b")]
    made = draft.peer.request("POST", draft.peer.url, [*draft.fields(), *said])
    upload = draft.upload_of(made)
    assert upload.is_incomplete(0)
    if 6 <= draft.words.version <= 9:
        assert upload.head().get("Upload-Length") == "1000"


@pytest.mark.must
@pytest.mark.versions(since=7)
@pytest.mark.parametrize("value", ["abc", "-1", "1.5", '"9"', "1000000000000000"])
def test_i025_a_malformed_upload_length_is_ignored(draft: Draft, value: str) -> None:
    """Not an Integer of 0 or more (RFC 9651, 3.3.1: at most 15 digits): the length is unknown."""
    upload = draft.create(fields=[("Upload-Length", value)])
    response = upload.head()
    assert response.status // 100 == 2
    assert response.get("Upload-Length") is None, response


# -- methods and metadata ---------------------------------------------------


@pytest.mark.best
def test_i026_put_creates_as_post_does(draft: Draft) -> None:
    """Any method that takes content may begin an upload."""
    fields = draft.fields(complete=False, length=10)
    response = draft.peer.request("PUT", draft.peer.url, fields)
    require(response.status != 405, "the target takes no PUT")
    assert draft.upload_of(response).is_incomplete(0)


def described(upload: Upload) -> dict[str, str]:
    """Return name and type of a file, as tus or GET knows them."""
    found: dict[str, str] = {}
    by_tus = upload.peer.request("HEAD", upload.url, list(TUS.items())).get("Upload-Metadata")
    for key, value in parse_metadata(by_tus).items() if by_tus else ():
        found[key] = value.decode("utf-8")
    by_get = upload.get()
    require(bool(found) or by_get.status == 200, "the server gives no metadata")
    found.setdefault("filetype", by_get.get("Content-Type") or "")
    found.setdefault("filename", by_get.get("Content-Disposition") or "")
    return found


@pytest.mark.best
def test_i027_the_content_type_is_the_type_of_the_file(draft: Draft) -> None:
    upload = draft.create_complete(b"text", [("Content-Type", "text/x-rufh")])
    assert described(upload)["filetype"] == "text/x-rufh"


@pytest.mark.best
def test_i028_the_content_disposition_has_the_name_of_the_file(draft: Draft) -> None:
    """RFC 6266, 4.3: ``filename*`` is preferred."""
    value = "inline; filename=\"x.bin\"; filename*=UTF-8''a%20%C3%A4.bin"
    name = described(draft.create_complete(b"text", [("Content-Disposition", value)]))["filename"]
    assert name == "a ä.bin" or "a%20%C3%A4.bin" in name


@pytest.mark.best
def test_i029_metadata_of_tus_are_taken(draft: Draft) -> None:
    """tus-js-client sends Upload-Metadata, and the type of an append with a creation's content."""
    value = encode_metadata({"filename": b"a.txt", "filetype": b"text/x-tus"})
    own = [("Content-Type", PARTIAL_UPLOAD), ("Upload-Metadata", value)]
    found = described(draft.create_complete(b"text", own))
    assert found["filetype"] == "text/x-tus"
    assert "a.txt" in found["filename"]


@pytest.mark.must
def test_i030_offsets_count_encoded_content(draft: Draft) -> None:
    """Section 8: the content coding is part of the representation, byte by byte."""
    packed = zlib.compress(DATA)
    half = len(packed) // 2
    encoding = [("Content-Encoding", "deflate")]
    response = draft.post(packed[:half], encoding, complete=False, length=len(packed))
    if response.status == 415:
        return
    upload = draft.upload_of(response)
    assert upload.is_incomplete(half)
    upload.append(packed[half:], half, complete=True)
    assert upload.is_complete(len(packed))
    assert upload.holds(packed)
