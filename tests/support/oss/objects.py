"""Operations on one object or one upload: each answers a checked request with its body."""

import re
from collections.abc import Iterable
from email.utils import formatdate
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree

from support.oss.answers import Answer, xml_answer
from support.oss.bucket import Bucket, StoredObject
from support.oss.multipart import MAX_PARTS
from support.oss.operations import RESPONSE_PARAMETERS
from support.oss.requests import OssError, OssRequest

Body = Iterable[bytes]

_KEPT_HEADERS: Final = (
    "content-type", "content-disposition", "content-encoding", "cache-control", "expires"
)  # fmt: skip


def put(bucket: Bucket, request: OssRequest, body: Body) -> Answer:
    """Store an object whole."""
    stored = bucket.put(
        request.key,
        body,
        _kept_headers(request),
        forbid_overwrite=_forbids_overwrite(request),
        declared_md5=request.headers.get("content-md5"),
    )
    return Answer(200, _digests(stored.etag, stored.content.crc64))


def get(bucket: Bucket, request: OssRequest, body: Body) -> Answer:
    """Return the whole of an object, or a range of it."""
    stored, file = bucket.open(request.key)
    headers = _object_headers(stored)
    for parameter, header in RESPONSE_PARAMETERS.items():
        if parameter in request.query:
            headers[header] = _header_text(request.query[parameter])
    try:
        wanted = _range(request, stored.content.size)
    except OssError:
        file.close()
        raise
    if wanted is None:
        return Answer(200, headers, file=file, length=stored.content.size)
    start, stop = wanted
    file.seek(start)
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{stored.content.size}"
    return Answer(206, headers, file=file, length=stop - start)


def head(bucket: Bucket, request: OssRequest, body: Body) -> Answer:
    """Return the headers of an object."""
    stored = bucket.get(request.key)
    return Answer(200, _object_headers(stored), length=stored.content.size)


def meta(bucket: Bucket, request: OssRequest, body: Body) -> Answer:
    """Return the few headers of ``?objectMeta``."""
    stored = bucket.get(request.key)
    headers = _digests(stored.etag, stored.content.crc64)
    headers["Last-Modified"] = formatdate(stored.modified, usegmt=True)
    return Answer(200, headers, length=stored.content.size)


def delete(bucket: Bucket, request: OssRequest, body: Body) -> Answer:
    """Remove an object if it exists."""
    bucket.delete(request.key)
    return Answer(204)


def init(bucket: Bucket, request: OssRequest, body: Body) -> Answer:
    """Open an upload."""
    upload = bucket.begin_upload(
        request.key, _kept_headers(request), forbid_overwrite=_forbids_overwrite(request)
    )
    return xml_answer(
        "InitiateMultipartUploadResult",
        [("Bucket", request.bucket), ("Key", upload.key), ("UploadId", upload.upload_id)],
    )


def part(bucket: Bucket, request: OssRequest, body: Body) -> Answer:
    """Store a part."""
    number = request.number("partNumber", 0, 1, MAX_PARTS)
    part = bucket.put_part(
        request.query["uploadId"], request.key, number, body, request.headers.get("content-md5")
    )
    return Answer(200, _digests(part.content.md5, part.content.crc64))


def complete(bucket: Bucket, request: OssRequest, body: Body) -> Answer:
    """Make an object of parts."""
    stored = bucket.complete(
        request.query["uploadId"],
        request.key,
        _parts_named(b"".join(body)),
        forbid_overwrite=_forbids_overwrite(request),
    )
    return xml_answer(
        "CompleteMultipartUploadResult",
        [
            ("Location", f"/{request.bucket}/{quote(request.key)}"),
            ("Bucket", request.bucket),
            ("Key", request.key),
            ("ETag", f'"{stored.etag}"'),
        ],
        _digests(stored.etag, stored.content.crc64),
    )


def abort(bucket: Bucket, request: OssRequest, body: Body) -> Answer:
    """Abort an upload and delete its parts."""
    bucket.abort(request.query["uploadId"], request.key)
    return Answer(204)


def _parts_named(document: bytes) -> list[tuple[int, str]]:
    try:
        named = [
            (int(part.findtext("PartNumber", "")), part.findtext("ETag", ""))
            for part in ElementTree.fromstring(document).iter("Part")
        ]
    except (ElementTree.ParseError, ValueError) as error:
        raise OssError(400, "MalformedXML") from error
    if not named:
        raise OssError(400, "MalformedXML", "no part is named")
    return named


def _range(request: OssRequest, size: int) -> tuple[int, int] | None:
    """Return the first byte of the range and the one after the last; None: the whole object.

    OSS also sends the whole object for a range that it cannot satisfy, unless
    ``x-oss-range-behavior`` is ``standard``.
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if match is None or not (match[1] or match[2]):
        return None
    if match[1]:
        start, stop = int(match[1]), min(int(match[2] or size), size - 1) + 1
    else:
        start, stop = max(0, size - int(match[2])), size
    if start < stop:
        return start, stop
    if request.headers.get("x-oss-range-behavior") == "standard":
        raise OssError(416, "InvalidRange", "The requested range cannot be satisfied.")
    return None


def _kept_headers(request: OssRequest) -> dict[str, str]:
    return {
        "content-type": "application/octet-stream",
        **{
            name: value
            for name, value in request.headers.items()
            if name in _KEPT_HEADERS or name.startswith("x-oss-meta-")
        },
    }


def _forbids_overwrite(request: OssRequest) -> bool:
    return request.headers.get("x-oss-forbid-overwrite") == "true"


def _digests(etag: str, crc64: int) -> dict[str, str]:
    return {"ETag": f'"{etag}"', "x-oss-hash-crc64ecma": str(crc64)}


def _object_headers(stored: StoredObject) -> dict[str, str]:
    return {
        **_digests(stored.etag, stored.content.crc64),
        **{name.title(): value for name, value in stored.headers.items()},
        "Last-Modified": formatdate(stored.modified, usegmt=True),
        "Accept-Ranges": "bytes",
        "x-oss-object-type": stored.kind,
        "x-oss-storage-class": "Standard",
    }


def _header_text(text: str) -> str:
    return text.encode().decode("latin-1")
