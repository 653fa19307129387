import pytest

from tusd_py.domain.commands import Append, Create, Discover, Download, Inspect, Terminate
from tusd_py.domain.errors import (
    InvalidConcatenation,
    MalformedHeader,
    MaxSizeExceeded,
    MethodNotAllowed,
    ResourceNotFound,
    UnsupportedContentEncoding,
    UnsupportedVersion,
    UploadNotFound,
    WrongContentType,
)
from tusd_py.domain.upload import UploadKind
from tusd_py.protocol.fields import Fields
from tusd_py.protocol.head import Head
from tusd_py.protocol.tus1 import (
    Capabilities,
    UploadFacts,
    discovery_headers,
    inspection_headers,
    parse_request,
    progress_headers,
)

ID = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32
ALL = Capabilities(
    extensions=(
        "creation", "creation-with-upload", "creation-defer-length", "termination", "checksum",
        "concatenation", "concatenation-unfinished",
    ),
    max_size=1000,
    digest_sizes={"sha1": 20, "crc32": 4},
)  # fmt: skip
NONE = Capabilities(extensions=(), max_size=None)


def head(method: str, resource: str = ID, **fields: str) -> Head:
    named = {name.replace("_", "-"): value for name, value in fields.items()}
    raw = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in named.items()]
    if "Tus-Resumable" not in named:
        raw.append((b"Tus-Resumable", b"1.0.0"))
    return Head(method=method, resource=resource, fields=Fields(raw))


def parse(request: Head, able: Capabilities = ALL) -> object:
    return parse_request(request, able)


BODY = {"Content_Type": "application/offset+octet-stream", "Upload_Offset": "0"}


def test_each_method_becomes_its_command() -> None:
    assert isinstance(parse(head("OPTIONS", "")), Discover)
    assert isinstance(parse(head("HEAD")), Inspect)
    assert isinstance(parse(head("GET")), Download)
    assert isinstance(parse(head("DELETE")), Terminate)
    append = parse(head("PATCH", Content_Length="7", **BODY))
    assert isinstance(append, Append)
    assert (append.offset, append.body_length) == (0, 7)


def test_the_override_decides_the_method() -> None:
    assert isinstance(parse(head("POST", X_HTTP_Method_Override="DELETE")), Terminate)
    with pytest.raises(MethodNotAllowed):
        parse(head("POST", X_HTTP_Method_Override="FROBNICATE"))


@pytest.mark.parametrize("version", ["0.2.2", "", "1.0"])
@pytest.mark.parametrize("method", ["HEAD", "PATCH", "DELETE"])
def test_other_versions_are_refused_before_anything_else(method: str, version: str) -> None:
    with pytest.raises(UnsupportedVersion):
        parse(head(method, Tus_Resumable=version))


def test_a_head_without_tus_is_that_of_a_download() -> None:
    def plain(method: str, resource: str = ID, query: str = "", **fields: str) -> object:
        raw = [(name.replace("_", "-").encode(), text.encode()) for name, text in fields.items()]
        return parse(Head(method=method, resource=resource, query=query, fields=Fields(raw)))

    found = plain("HEAD", query="rendition=poster", If_None_Match='"a"', Range="bytes=1-2")
    assert isinstance(found, Download)
    assert (found.upload_id, found.rendition, found.send_body) == (ID, "poster", False)
    assert found.conditions.if_none_match == '"a"'
    assert plain("HEAD", X_HTTP_Method_Override="head") == plain("HEAD")
    for resource in ("", "x/y", "etc"):
        with pytest.raises(UploadNotFound):
            plain("HEAD", resource)
    for method, fields in {
        "PATCH": {},
        "DELETE": {},
        # The answer to it may have a body, so a client would wait for that of a download.
        "POST": {"X_HTTP_Method_Override": "HEAD"},
    }.items():
        with pytest.raises(UnsupportedVersion):
            plain(method, **fields)


@pytest.mark.parametrize("resource", ["..", "etc", "a\0b", "A" * 32, "0" * 31, "é" * 32])
def test_an_invalid_id_is_not_found(resource: str) -> None:
    with pytest.raises(UploadNotFound):
        parse(head("HEAD", resource))


def test_paths_below_an_upload_do_not_exist() -> None:
    with pytest.raises(ResourceNotFound):
        parse(head("POST", f"{ID}/below", Upload_Length="1"))


@pytest.mark.parametrize(("method", "resource"), [("PATCH", ""), ("PUT", ID), ("POST", ID)])
def test_methods_a_resource_does_not_have_are_refused(method: str, resource: str) -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        parse(head(method, resource))
    assert method not in refused.value.allowed


def test_termination_is_refused_where_it_is_not_announced() -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        parse(head("DELETE"), NONE)
    assert "DELETE" not in refused.value.allowed


def test_patch_needs_the_tus_content_type_and_an_offset() -> None:
    with pytest.raises(WrongContentType):
        parse(head("PATCH", Upload_Offset="0", Content_Type="text/plain"))
    with pytest.raises(MalformedHeader):
        parse(head("PATCH", Content_Type="application/offset+octet-stream"))
    with pytest.raises(UnsupportedContentEncoding):
        parse(head("PATCH", Content_Encoding="gzip", **BODY))


def test_a_chunked_body_has_no_length() -> None:
    append = parse(head("PATCH", Transfer_Encoding="chunked", **BODY))
    assert isinstance(append, Append)
    assert append.body_length is None


def test_creation_needs_a_length_or_its_deferral() -> None:
    with pytest.raises(MalformedHeader):
        parse(head("POST", ""))
    with pytest.raises(MalformedHeader):
        parse(head("POST", "", Upload_Length="1", Upload_Defer_Length="1"))
    with pytest.raises(MaxSizeExceeded):
        parse(head("POST", "", Upload_Length="1001"))
    with pytest.raises(MalformedHeader):
        parse(head("POST", "", Upload_Defer_Length="1"), NONE)
    deferred = parse(head("POST", "", Upload_Defer_Length="1"))
    assert isinstance(deferred, Create)
    assert deferred.length is None


def test_metadata_and_concat_are_kept_as_received() -> None:
    created = parse(head("POST", "", Upload_Length="1", Upload_Metadata="z Yg==, a YQ=="))
    assert isinstance(created, Create)
    assert created.metadata_header == "z Yg==, a YQ=="
    assert created.metadata == {"z": b"b", "a": b"a"}


def test_a_final_upload_names_its_parts_by_url_or_path() -> None:
    concat = f"final;/files/{ID} https://example.test/app/files/{OTHER}?x=1"
    created = parse(head("POST", "", Upload_Concat=concat))
    assert isinstance(created, Create)
    assert created.kind is UploadKind.FINAL
    assert created.parts == (ID, OTHER)
    assert created.concat_header == concat


@pytest.mark.parametrize("path", ["/up/", "https://example.test/", ""])
def test_the_path_before_the_id_of_a_part_is_the_matter_of_a_proxy(path: str) -> None:
    created = parse(head("POST", "", Upload_Concat=f"final;{path}{ID}"))
    assert isinstance(created, Create)
    assert created.parts == (ID,)


@pytest.mark.parametrize(
    "text",
    ["", "final", "final;", "final; ", "Partial", "whole", "partial;x", "final;/files/x",
     f"final;/files/{ID}/", f"final;/files/x{ID}", "final;http://[/files/"],
)  # fmt: skip
def test_a_malformed_concat_is_refused(text: str) -> None:
    with pytest.raises(InvalidConcatenation):
        parse(head("POST", "", Upload_Concat=text, Upload_Length="1"))


def test_a_final_upload_has_neither_length_nor_body() -> None:
    concat = f"final;/files/{ID}"
    with pytest.raises(MalformedHeader):
        parse(head("POST", "", Upload_Concat=concat, Upload_Length="9"))
    with pytest.raises(InvalidConcatenation):
        parse(head("POST", "", Upload_Concat=concat, Content_Length="3", **BODY))
    with pytest.raises(InvalidConcatenation):
        parse(head("POST", "", Upload_Concat="partial", Upload_Length="3"), NONE)


def metadata_with_hash(text: str) -> str:
    import base64

    return f"filehash {base64.b64encode(text.encode()).decode()}"


def test_a_declared_hash_is_read_from_the_metadata() -> None:
    digest = "ab" * 32
    declared = metadata_with_hash(f"blake3:{digest.upper()}")
    created = parse(head("POST", "", Upload_Length="1", Upload_Metadata=declared))
    assert isinstance(created, Create)
    assert created.declared_hash == digest


def test_a_hash_by_header_is_accepted_and_must_not_differ() -> None:
    fields = {"Upload_Length": "1", "Upload_Hash": f"blake3=:{'A' * 43}=:"}
    created = parse(head("POST", "", **fields))
    assert isinstance(created, Create)
    assert created.declared_hash == "00" * 32
    appended = parse(head("PATCH", **BODY, Upload_Hash=fields["Upload_Hash"]))
    assert isinstance(appended, Append)
    assert appended.declared_hash == "00" * 32
    same = metadata_with_hash(f"blake3:{'00' * 32}")
    assert parse(head("POST", "", **fields, Upload_Metadata=same))
    with pytest.raises(MalformedHeader):
        parse(head("POST", "", **fields, Upload_Metadata=metadata_with_hash(f"blake3:{'01' * 32}")))


def test_an_unknown_hash_is_ignored_and_a_malformed_one_refused() -> None:
    unknown = metadata_with_hash("sha999:00")
    created = parse(head("POST", "", Upload_Length="1", Upload_Metadata=unknown))
    assert isinstance(created, Create)
    assert created.declared_hash is None
    with pytest.raises(MalformedHeader):
        parse(head("POST", "", Upload_Length="1", Upload_Metadata=metadata_with_hash("blake3:xy")))


def test_discovery_lists_what_is_available_without_empty_fields() -> None:
    assert discovery_headers(ALL) == {
        "Tus-Version": "1.0.0",
        "Tus-Extension": ",".join(ALL.extensions),
        "Tus-Max-Size": "1000",
        "Tus-Checksum-Algorithm": "sha1,crc32",
    }
    assert discovery_headers(NONE) == {"Tus-Version": "1.0.0"}


def test_a_deferred_length_is_returned_as_deferred() -> None:
    headers = inspection_headers(UploadFacts(offset=4, length=None))
    assert headers == {
        "Cache-Control": "no-store",
        "Upload-Offset": "4",
        "Upload-Defer-Length": "1",
    }


def test_a_waiting_final_upload_has_no_offset() -> None:
    headers = inspection_headers(
        UploadFacts(offset=None, length=11, concat_header="final;/files/x")
    )
    assert "Upload-Offset" not in headers
    assert headers["Upload-Concat"] == "final;/files/x"
    assert headers["Upload-Length"] == "11"


def test_expiry_is_returned_with_progress() -> None:
    facts = UploadFacts(offset=1, length=2, expires_at=1403712000.0)
    assert progress_headers(facts)["Upload-Expires"] == "Wed, 25 Jun 2014 16:00:00 GMT"
