import json

import pytest

from tusd_py.domain import errors as e
from tusd_py.http.errors import (
    STATUS,
    is_tus_head,
    original_text,
    problem_response,
    size_text,
    status_for_tus_head,
    status_of,
)


def tree(kind: type[e.TusdError]) -> list[type[e.TusdError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in tree(child))]


ALL = sorted(
    {kind for kind in tree(e.TusdError) if kind.__module__ == e.__name__},
    key=lambda kind: kind.__name__,
)
SPECIAL = {
    e.RoleMissing: lambda: e.RoleMissing("admin"),
    e.OffsetMismatch: lambda: e.OffsetMismatch(current=5, given=0),
    e.LengthExceeded: lambda: e.LengthExceeded(10),
    e.ChecksumMismatch: lambda: e.ChecksumMismatch(offset=3),
    e.MaxSizeExceeded: lambda: e.MaxSizeExceeded(10 << 30),
    e.QuotaExceeded: lambda: e.QuotaExceeded(10 << 30),
    e.TooManyRequests: lambda: e.TooManyRequests(2.5),
    e.TooManyUploads: lambda: e.TooManyUploads(5),
    e.TooManyFiles: lambda: e.TooManyFiles(1000),
    e.TooManyParts: lambda: e.TooManyParts(1000),
    e.TooManyStreams: lambda: e.TooManyStreams(5),
    e.ArchiveTooLarge: lambda: e.ArchiveTooLarge(5),
    e.TooManyArchives: lambda: e.TooManyArchives(5),
    e.TooManyShares: lambda: e.TooManyShares(20),
    e.MethodNotAllowed: lambda: e.MethodNotAllowed(("GET", "HEAD")),
}


def instance(kind: type[e.TusdError]) -> e.TusdError:
    return SPECIAL[kind]() if kind in SPECIAL else kind()  # type: ignore[operator]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_has_a_row_of_its_own_and_a_clear_body(kind: type[e.TusdError]) -> None:
    assert kind in STATUS
    error = instance(kind)
    answer = problem_response(error)
    body = json.loads(bytes(answer.body))
    assert answer.status_code == body["status"] == status_of(error)
    assert body["code"] == kind.code
    assert body["detail"]
    assert body["error"]
    assert "/" not in body["detail"].replace("application/offset+octet-stream", "")


def test_error_codes_are_unique() -> None:
    leaves = [kind for kind in ALL if kind not in (e.UploadError, e.PipelineError)]
    assert len({kind.code for kind in leaves}) == len(leaves)


@pytest.mark.parametrize(
    ("error", "name", "value"),
    [
        (e.UnsupportedVersion(), "Tus-Version", "1.0.0"),
        (e.OffsetMismatch(current=5, given=0), "Upload-Offset", "5"),
        (e.ChecksumMismatch(offset=3), "Upload-Offset", "3"),
        (e.MaxSizeExceeded(7), "Tus-Max-Size", "7"),
        (e.MethodNotAllowed(("GET",)), "Allow", "GET"),
        (e.UploadLocked(), "Retry-After", "5"),
        (e.UploadLocked(), "Connection", "close"),
        (e.StorageFull(), "Retry-After", "5"),
    ],
)
def test_a_status_has_its_header_fields(error: e.TusdError, name: str, value: str) -> None:
    assert problem_response(error).headers[name] == value


@pytest.mark.parametrize(
    "kind", [e.BackendError, e.ShuttingDown, e.StorageFull, e.StorageDamaged, e.TusdError]
)
def test_a_head_of_tus_that_can_not_be_answered_now_is_423(kind: type[e.TusdError]) -> None:
    answer = problem_response(kind(), tus_head=True)
    assert answer.status_code == 423
    assert answer.headers["Retry-After"]
    assert answer.body == b""
    assert "Content-Length" not in answer.headers
    assert status_for_tus_head(404) == 404


@pytest.mark.parametrize(
    ("method", "names", "expected"),
    [
        ("HEAD", [b"host", b"tus-resumable"], True),
        ("HEAD", [b"host"], False),
        ("GET", [b"tus-resumable"], False),
    ],
)
def test_a_head_is_of_tus_by_its_version(method: str, names: list[bytes], expected: bool) -> None:
    scope = {"method": method, "headers": [(name, b"1.0.0") for name in names]}
    assert is_tus_head(scope) is expected


def test_the_texts_of_the_original_api_contain_the_limit() -> None:
    assert original_text(e.MaxSizeExceeded(10 << 30)) == "文件过大，最大支持10GB"
    assert original_text(e.MaxSizeExceeded(512 << 20)) == "文件过大，最大支持512MB"
    assert original_text(e.TypeNotAllowed()) == "文件格式不支持"
    assert (size_text(1 << 40), size_text(8 << 10), size_text(1001)) == ("1TB", "8KB", "1001B")
