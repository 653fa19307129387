import base64
from typing import Any

import pytest

from tusd_py.domain.commands import Append, Checksum, Create, Download, Inspect, Terminate
from tusd_py.domain.errors import (
    LengthConflict,
    MalformedHeader,
    MaxSizeExceeded,
    MethodNotAllowed,
    ResourceNotFound,
    TusdError,
    UnsupportedContentEncoding,
    UploadNotFound,
    WrongContentType,
)
from tusd_py.domain.upload import UploadProtocol
from tusd_py.protocol.fields import Fields
from tusd_py.protocol.head import Head
from tusd_py.protocol.ietf.requests import DraftCommand, parse_draft_request, speaks_draft
from tusd_py.protocol.ietf.versions import version_of

ID = "0123456789abcdef0123456789abcdef"
PARTIAL = {"Content_Type": "application/partial-upload"}


def head(method: str, resource: str = ID, version: int | None = None, **fields: str) -> Head:
    raw = [(k.replace("_", "-").encode(), v.encode("latin-1")) for k, v in fields.items()]
    if version is not None:
        raw.append((b"Upload-Draft-Interop-Version", str(version).encode()))
    return Head(method=method, resource=resource, fields=Fields(raw))


def parse(request: Head, max_size: int | None = 1000) -> DraftCommand:
    return parse_draft_request(request, version_of(request.fields), max_size)


def created(version: int | None = None, **fields: str) -> Create:
    command = parse(head("POST", "", version, **fields))
    assert isinstance(command, Create)
    assert command.protocol is UploadProtocol.IETF
    return command


def appended(version: int | None = None, **fields: str) -> Append:
    command = parse(head("PATCH", ID, version, **fields))
    assert isinstance(command, Append)
    assert command.protocol is UploadProtocol.IETF
    return command


@pytest.mark.parametrize(
    ("request_", "draft"),
    [
        (head("POST", "", Upload_Complete="?1"), True),
        (head("PUT", "", Upload_Complete="?0;a"), True),
        (head("POST", "", Upload_Complete="1"), False),
        (head("POST", "", Upload_Incomplete="?0"), False),
        (head("POST", "", 3), True),
        (head("POST", "", 999), False),
        (head("POST", ""), False),
        (head("PATCH", **PARTIAL), True),
        (head("PATCH", Content_Type="Application/Partial-Upload; a=b"), True),
        (head("PATCH", Upload_Complete="?1", Upload_Offset="0"), False),
        (head("POST", X_HTTP_Method_Override="PATCH", **PARTIAL), True),
        (head("HEAD"), False),
        (head("HEAD", ID, 8), True),
        (head("GET"), False),
        (head("GET", ID, 9), True),
        (head("DELETE"), True),
        (head("OPTIONS", "", 8), False),
    ],
)
def test_which_protocol_a_request_speaks(request_: Head, draft: bool) -> None:
    assert speaks_draft(request_) is draft


def test_a_repeated_field_is_refused_by_the_parser_of_its_protocol() -> None:
    twice = Fields([(b"Content-Type", b"application/partial-upload")] * 2)
    assert not speaks_draft(Head(method="PATCH", resource=ID, fields=twice))


@pytest.mark.parametrize("method", ["POST", "PATCH", "HEAD", "DELETE", "GET"])
def test_tus_resumable_always_decides_for_tus(method: str) -> None:
    """iOS adds the fields of the draft to each upload task, also to those of tus clients."""
    request = head(method, ID, 8, Upload_Complete="?1", Tus_Resumable="1.0.0", **PARTIAL)
    assert not speaks_draft(request)


def test_each_method_becomes_its_command() -> None:
    assert isinstance(parse(head("PUT", "", 8, Upload_Complete="?0")), Create)
    assert isinstance(parse(head("HEAD", ID, 8)), Inspect)
    assert isinstance(parse(head("GET", ID, 9)), Download)
    assert isinstance(parse(head("DELETE")), Terminate)
    for request, error in (
        (head("POST", ID, 8, Upload_Complete="?0"), MethodNotAllowed),
        (head("PATCH", "", 8), MethodNotAllowed),
        (head("PATCH", f"{ID}/x", 8), ResourceNotFound),
        (head("HEAD", "x", 8), UploadNotFound),
    ):
        with pytest.raises(error):
            parse(request)


def test_the_last_content_states_the_length() -> None:
    whole = created(Upload_Complete="?1", Content_Length="7")
    assert (whole.length, whole.completes, whole.has_body) == (7, True, True)
    empty = created(Upload_Complete="?1")
    assert (empty.length, empty.completes, empty.has_body) == (0, True, False)
    chunked = created(Upload_Complete="?1", Transfer_Encoding="chunked")
    assert (chunked.length, chunked.completes, chunked.has_body) == (None, True, True)
    first = created(Upload_Complete="?0", Content_Length="7")
    assert (first.length, first.completes) == (None, False)
    careful = created(Upload_Complete="?0", Upload_Length="9")
    assert (careful.length, careful.has_body) == (9, False)
    with pytest.raises(LengthConflict):
        created(Upload_Complete="?1", Content_Length="5", Upload_Length="10")


def test_a_malformed_length_is_ignored() -> None:
    assert created(Upload_Complete="?0", Upload_Length="1.5").length is None


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"Upload_Complete": "1"}, MalformedHeader),
        ({"Upload_Complete": "?0", "Upload_Length": "1001"}, MaxSizeExceeded),
        ({"Upload_Complete": "?1", "Content_Length": "1001"}, MaxSizeExceeded),
        ({"Upload_Complete": "?0", "Content_Encoding": "gzip"}, UnsupportedContentEncoding),
        ({"Upload_Complete": "?0", "Upload_Metadata": "a !"}, MalformedHeader),
    ],
)
def test_a_creation_that_is_refused(fields: dict[str, str], error: type[TusdError]) -> None:
    with pytest.raises(error):
        created(8, **fields)


@pytest.mark.parametrize(
    ("fields", "metadata"),
    [
        ({"Content_Type": "text/x-a"}, {"filetype": b"text/x-a"}),
        (
            {"Content_Disposition": "inline; filename=\"x\"; filename*=UTF-8''a%20%C3%A4.bin"},
            {"filename": "a ä.bin".encode()},
        ),
        ({"Content_Disposition": 'attachment; filename="../a.txt"'}, {"filename": b".._a.txt"}),
        # tus-js-client sends the metadata of tus, and the type of an append with the first bytes.
        ({"Upload_Metadata": "filename YS50eHQ=", **PARTIAL}, {"filename": b"a.txt"}),
        (
            {"Upload_Metadata": "name YQ==", "Content_Disposition": "inline; filename=b"},
            {"name": b"a"},
        ),
        ({"Upload_Metadata": "a", "Content_Type": "text/b"}, {"a": b"", "filetype": b"text/b"}),
        ({"Content_Disposition": "inline"}, {}),
    ],
)
def test_what_a_request_says_of_the_file(
    fields: dict[str, str], metadata: dict[str, bytes]
) -> None:
    assert created(Upload_Complete="?0", **fields).metadata == metadata


def test_an_append_has_its_type_its_offset_and_its_completeness() -> None:
    found = appended(8, Upload_Offset="5", Upload_Complete="?1", Content_Length="3", **PARTIAL)
    assert (found.offset, found.completes, found.body_length) == (5, True, 3)
    assert (found.overrun_ends, found.repeats) == (True, False)
    with pytest.raises(WrongContentType):
        appended(8, Upload_Offset="5", Upload_Complete="?1")
    for offset in ("abc", "-1", "1.0", '"0"'):
        with pytest.raises(MalformedHeader):
            appended(8, Upload_Offset=offset, Upload_Complete="?1", **PARTIAL)
    with pytest.raises(MaxSizeExceeded):
        appended(8, Upload_Offset="0", Upload_Complete="?0", Upload_Length="1001", **PARTIAL)


@pytest.mark.parametrize(("version", "completes"), [(3, True), (4, None), (5, None), (6, None)])
def test_an_append_without_completeness(version: int, completes: bool | None) -> None:
    assert appended(version, Upload_Offset="5", **PARTIAL).completes is completes


@pytest.mark.parametrize("version", [7, 8, 9, 10, None])
def test_newer_versions_demand_completeness(version: int | None) -> None:
    with pytest.raises(MalformedHeader):
        appended(version, Upload_Offset="5", **PARTIAL)


def test_a_digest_of_the_content_is_that_of_a_chunk_of_tus() -> None:
    digest = base64.b64encode(bytes(range(32))).decode()
    fields = {"Upload_Complete": "?1", "Content_Digest": f"md5=:AA==:, sha-256=:{digest}:"}
    found = created(**fields).checksum
    assert found == Checksum(algorithm="sha256", digest=bytes(range(32)))
    assert appended(Upload_Offset="0", **fields, **PARTIAL).checksum == found
    for other in ("md5=:AA==:", "sha-256=:AA==:", "sha-256"):
        assert created(Upload_Complete="?1", Content_Digest=other).checksum is None


def test_a_digest_of_the_whole_file_is_declared_or_wanted() -> None:
    digest = base64.b64encode(bytes(range(32))).decode()
    declared = created(Upload_Complete="?0", Repr_Digest=f"sha-256=:{digest}:")
    assert (declared.sha256, declared.wants_sha256) == (bytes(range(32)).hex(), False)
    wanting = created(Upload_Complete="?0", Want_Repr_Digest="sha-256=10, md5=1")
    assert (wanting.sha256, wanting.wants_sha256) == (None, True)
    for other in ("sha-256=0", "md5=1", "sha-256"):
        assert not created(Upload_Complete="?0", Want_Repr_Digest=other).wants_sha256


@pytest.mark.parametrize("method", ["HEAD", "DELETE"])
def test_an_offset_where_none_belongs(method: str) -> None:
    fields: dict[str, Any] = {"Upload_Offset": "1"}
    with pytest.raises(MalformedHeader):
        parse(head(method, ID, 6, **fields))
    parse(head(method, ID, 7, **fields))
