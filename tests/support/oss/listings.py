"""Operations that list: pages with markers, in the order of keys."""

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import TypeVar
from urllib.parse import quote

from support.oss.answers import Answer, Children, iso_time, xml_answer
from support.oss.bucket import Bucket, StoredObject
from support.oss.requests import OssError, OssRequest

_Item = TypeVar("_Item")


def list_objects(bucket: Bucket, request: OssRequest, body: Iterable[bytes]) -> Answer:
    """List by version 1: ``marker`` is the last key of the page before."""
    marker = request.query.get("marker", "")
    found, more = _objects_after(bucket, request, marker)
    markers = [("Marker", _spoken(request, marker))]
    if more:
        markers.append(("NextMarker", _spoken(request, found[-1].key)))
    return _object_list(request, found, more, markers)


def list_objects_v2(bucket: Bucket, request: OssRequest, body: Iterable[bytes]) -> Answer:
    """List by version 2: the token is opaque to clients."""
    token = request.query.get("continuation-token", "")
    try:
        after = base64.b64decode(token, validate=True).decode() or request.query.get(
            "start-after", ""
        )
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OssError(400, "InvalidArgument", "continuation-token") from error
    found, more = _objects_after(bucket, request, after)
    markers: list[tuple[str, str | int]] = [("KeyCount", len(found))]
    if more:
        next_token = base64.b64encode(found[-1].key.encode()).decode()
        markers.append(("NextContinuationToken", _spoken(request, next_token)))
    return _object_list(request, found, more, markers)


def list_uploads(bucket: Bucket, request: OssRequest, body: Iterable[bytes]) -> Answer:
    """List open uploads after a key, or after one upload of a key."""
    key_marker = request.query.get("key-marker", "")
    id_marker = request.query.get("upload-id-marker", "")
    limit = request.number("max-uploads", 1000, 1, 1000)
    prefix = request.query.get("prefix", "")
    waiting = [
        upload
        for upload in bucket.uploads()
        if upload.key.startswith(prefix)
        and (
            upload.key > key_marker
            or (upload.key == key_marker and bool(id_marker) and upload.upload_id > id_marker)
        )
    ]
    found, more = _page(waiting, limit)
    last = found[-1] if more else None
    uploads: Children = [
        (
            "Upload",
            [
                ("Key", _spoken(request, upload.key)),
                ("UploadId", upload.upload_id),
                ("StorageClass", "Standard"),
                ("Initiated", iso_time(upload.initiated)),
            ],
        )
        for upload in found
    ]
    return xml_answer(
        "ListMultipartUploadsResult",
        [
            ("Bucket", request.bucket),
            *_encoding(request),
            ("KeyMarker", _spoken(request, key_marker)),
            ("UploadIdMarker", id_marker),
            ("NextKeyMarker", _spoken(request, last.key) if last else ""),
            ("NextUploadIdMarker", last.upload_id if last else ""),
            ("MaxUploads", limit),
            ("IsTruncated", str(more).lower()),
            *uploads,
        ],
    )


def list_parts(bucket: Bucket, request: OssRequest, body: Iterable[bytes]) -> Answer:
    """List the parts of one upload, with size, ETag and CRC."""
    upload_id = request.query["uploadId"]
    marker = request.number("part-number-marker", 0, 0, 10_000)
    limit = request.number("max-parts", 1000, 1, 1000)
    waiting = [part for part in bucket.parts(upload_id, request.key) if part.number > marker]
    found, more = _page(waiting, limit)
    parts: Children = [
        (
            "Part",
            [
                ("PartNumber", part.number),
                ("LastModified", iso_time(part.modified)),
                ("ETag", f'"{part.content.md5}"'),
                ("HashCrc64ecma", part.content.crc64),
                ("Size", part.content.size),
            ],
        )
        for part in found
    ]
    return xml_answer(
        "ListPartsResult",
        [
            ("Bucket", request.bucket),
            *_encoding(request),
            ("Key", _spoken(request, request.key)),
            ("UploadId", upload_id),
            ("PartNumberMarker", marker),
            ("NextPartNumberMarker", found[-1].number if found else 0),
            ("MaxParts", limit),
            ("IsTruncated", str(more).lower()),
            *parts,
        ],
    )


def _objects_after(
    bucket: Bucket, request: OssRequest, after: str
) -> tuple[Sequence[StoredObject], bool]:
    prefix = request.query.get("prefix", "")
    waiting = [
        found for found in bucket.objects() if found.key.startswith(prefix) and found.key > after
    ]
    return _page(waiting, request.number("max-keys", 100, 1, 1000))


def _object_list(
    request: OssRequest, found: Sequence[StoredObject], more: bool, markers: Children
) -> Answer:
    contents: Children = [
        (
            "Contents",
            [
                ("Key", _spoken(request, stored.key)),
                ("LastModified", iso_time(stored.modified)),
                ("ETag", f'"{stored.etag}"'),
                ("Type", stored.kind),
                ("Size", stored.content.size),
                ("StorageClass", "Standard"),
            ],
        )
        for stored in found
    ]
    return xml_answer(
        "ListBucketResult",
        [
            ("Name", request.bucket),
            *_encoding(request),
            ("Prefix", _spoken(request, request.query.get("prefix", ""))),
            ("MaxKeys", request.number("max-keys", 100, 1, 1000)),
            ("IsTruncated", str(more).lower()),
            *markers,
            *contents,
        ],
    )


def _page(waiting: Sequence[_Item], limit: int) -> tuple[Sequence[_Item], bool]:
    return waiting[:limit], len(waiting) > limit


def _spoken(request: OssRequest, text: str) -> str:
    return quote(text, "") if request.query.get("encoding-type") == "url" else text


def _encoding(request: OssRequest) -> Children:
    return [("EncodingType", "url")] if request.query.get("encoding-type") == "url" else []
