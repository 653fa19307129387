"""Which operation a request is. What is not in the table is answered with 501 NotImplemented.

An operation owns the parameters in ``marks`` (all must be there) and understands those in
``options``. A parameter or an ``x-oss-`` header that no operation understands is refused too, so
that a client cannot rely on something that this server ignores.
"""

from dataclasses import dataclass
from typing import Final

from support.oss.requests import OssError, OssRequest

#: Parameters of signed links.
SIGNATURE_PARAMETERS: Final = frozenset(
    {
        "OSSAccessKeyId", "Expires", "Signature", "security-token",
        "x-oss-signature-version", "x-oss-credential", "x-oss-date", "x-oss-expires",
        "x-oss-signature", "x-oss-additional-headers", "x-oss-security-token",
    }
)  # fmt: skip
#: Parameters by which a signed GET changes headers of its answer, and those headers.
RESPONSE_PARAMETERS: Final = {
    "response-content-type": "Content-Type",
    "response-content-disposition": "Content-Disposition",
    "response-content-encoding": "Content-Encoding",
    "response-content-language": "Content-Language",
    "response-cache-control": "Cache-Control",
    "response-expires": "Expires",
}
_HEADERS: Final = frozenset(
    {
        "x-oss-date", "x-oss-content-sha256", "x-oss-security-token", "x-oss-forbid-overwrite",
        "x-oss-range-behavior",
    }
)  # fmt: skip


@dataclass(frozen=True)
class _Operation:
    name: str
    method: str
    scope: str
    marks: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()


def _operation(
    name: str, method: str, scope: str, marks: str = "", options: str = ""
) -> _Operation:
    return _Operation(name, method, scope, frozenset(marks.split()), frozenset(options.split()))


# Operations with more marks come first: the first row that fits is the operation.
_OPERATIONS: Final = (
    _operation("list_buckets", "GET", "service", "", "prefix marker max-keys"),
    _operation("put_bucket", "PUT", "bucket"),
    _operation("delete_bucket", "DELETE", "bucket"),
    _operation("head_bucket", "HEAD", "bucket"),
    _operation("bucket_info", "GET", "bucket", "bucketInfo"),
    _operation(
        "list_uploads", "GET", "bucket", "uploads",
        "prefix delimiter key-marker upload-id-marker max-uploads encoding-type",
    ),
    _operation(
        "list_objects_v2", "GET", "bucket", "list-type",
        "prefix delimiter continuation-token start-after fetch-owner max-keys encoding-type",
    ),
    _operation(
        "list_objects", "GET", "bucket", "", "prefix delimiter marker max-keys encoding-type"
    ),
    _operation("part", "PUT", "object", "uploadId partNumber"),
    _operation("put", "PUT", "object"),
    _operation("init", "POST", "object", "uploads", "encoding-type"),
    _operation("complete", "POST", "object", "uploadId", "encoding-type"),
    _operation(
        "list_parts", "GET", "object", "uploadId", "part-number-marker max-parts encoding-type"
    ),
    _operation("get", "GET", "object", "", " ".join(RESPONSE_PARAMETERS)),
    _operation("meta", "HEAD", "object", "objectMeta"),
    _operation("head", "HEAD", "object"),
    _operation("abort", "DELETE", "object", "uploadId"),
    _operation("delete", "DELETE", "object"),
)  # fmt: skip


def operation_of(request: OssRequest) -> str:
    """Return the operation's name.

    Raises: OssError: 501 when no operation understands the whole request.
    """
    for name in request.headers:
        known = name in _HEADERS or name.startswith("x-oss-meta-")
        if (name.startswith("x-oss-") and not known) or name.startswith("if-"):
            raise OssError(501, "NotImplemented", f"header {name}")
    scope = "object" if request.key else "bucket" if request.bucket else "service"
    parameters = frozenset(request.query) - SIGNATURE_PARAMETERS
    for operation in _OPERATIONS:
        if (operation.method, operation.scope) == (request.method, scope) and (
            operation.marks <= parameters <= operation.marks | operation.options
        ):
            _refuse_unsupported_values(request)
            return operation.name
    raise OssError(501, "NotImplemented", f"{request.method} {scope} {sorted(parameters)}")


def _refuse_unsupported_values(request: OssRequest) -> None:
    if request.query.get("delimiter") or request.query.get("fetch-owner", "false") != "false":
        raise OssError(501, "NotImplemented", "delimiter and fetch-owner")
    if request.query.get("list-type", "2") != "2":
        raise OssError(400, "InvalidArgument", "list-type")
    if request.query.get("encoding-type", "") not in {"", "url"}:
        raise OssError(400, "InvalidArgument", "encoding-type")
