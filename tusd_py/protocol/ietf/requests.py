"""Turns the head of a request of the draft into a command."""

from typing import Final

from tusd_py.domain.commands import Append, Checksum, Create, Download, Inspect, Terminate
from tusd_py.domain.errors import (
    LengthConflict,
    MalformedHeader,
    MaxSizeExceeded,
    MethodNotAllowed,
    ResourceNotFound,
    WrongContentType,
)
from tusd_py.domain.filenames import safe_name
from tusd_py.domain.upload import UploadProtocol
from tusd_py.protocol.conditions import conditions_of
from tusd_py.protocol.disposition import filename_of
from tusd_py.protocol.download import download_command
from tusd_py.protocol.fields import (
    Fields,
    media_type,
    metadata_header,
    parse_metadata,
    parse_upload_hash,
)
from tusd_py.protocol.head import (
    UPLOAD_METHODS,
    Head,
    body_length_of,
    effective_method,
    upload_id_of,
)
from tusd_py.protocol.ietf.structured import byte_sequence, integer, preference
from tusd_py.protocol.ietf.versions import Version, version_of
from tusd_py.protocol.rendition import rendition_name

PARTIAL_TYPE: Final = "application/partial-upload"
"""Type of the content of an append. It is the type of no file."""
HASH_FIELD: Final = "Upload-Hash"
_TARGET_METHODS: Final = ("OPTIONS", "POST", "PUT")
_TYPE_CHARACTERS: Final = 255
_SHA256_BYTES: Final = 32

DraftCommand = Create | Append | Inspect | Terminate | Download


def speaks_draft(head: Head) -> bool:
    """Return whether a request is made in the draft; all others belong to tus, also downloads.

    Tus-Resumable decides first: iOS adds the fields of the draft to the uploads of tus clients. A
    DELETE has no field of the draft in the RFC: what its upload was begun by decides about it.
    OPTIONS is one answer for both.
    """
    fields = head.fields
    if "Tus-Resumable" in fields:
        return False
    method = (fields.joined("X-HTTP-Method-Override") or head.method).upper()
    if method == "OPTIONS":
        return False
    version = version_of(fields)
    if version.number is not None or method == "DELETE":
        return True
    if method in ("POST", "PUT"):
        return version.completes(fields) is not None
    return method == "PATCH" and media_type(fields.joined("Content-Type")) == PARTIAL_TYPE


def parse_draft_request(head: Head, version: Version, max_size: int | None) -> DraftCommand:
    """Return the command of a request that ``speaks_draft``.

    Args: max_size: largest upload in bytes; None: any.
    Raises: ProtocolError, UploadNotFound (no upload can have that address), MaxSizeExceeded,
        LengthConflict: the head states two lengths.
    """
    if "/" in head.resource:
        raise ResourceNotFound
    method = effective_method(head)
    if not head.resource:
        if method not in ("POST", "PUT"):
            raise MethodNotAllowed(_TARGET_METHODS)
        return _create(head.fields, version, max_size)
    match method:
        case "PATCH":
            return _append(head, version, max_size)
        case "HEAD":
            _check_no_offset(head.fields, version)
            return Inspect(upload_id=upload_id_of(head))
        case "DELETE":
            _check_no_offset(head.fields, version)
            return Terminate(upload_id=upload_id_of(head), conditions=conditions_of(head.fields))
        case "GET":
            return download_command(
                head.fields,
                upload_id_of(head),
                rendition=rendition_name(head.query),
                send_body=True,
            )
        case _:
            raise MethodNotAllowed(UPLOAD_METHODS)


def _check_no_offset(fields: Fields, version: Version) -> None:
    if version.offset_refused and "Upload-Offset" in fields:
        raise MalformedHeader("The header Upload-Offset belongs to PATCH only.")


def _create(fields: Fields, version: Version, max_size: int | None) -> Create:
    completes = version.completes(fields)
    if completes is None:
        raise MalformedHeader(f"The header {version.completeness_field} must be ?0 or ?1.")
    body_length = body_length_of(fields)
    length = integer(fields.joined("Upload-Length"))
    if completes and body_length is not None:
        if length not in (None, body_length):
            raise LengthConflict("Upload-Length and the length of the content differ.")
        length = body_length
    header = _metadata_header(fields)
    whole = _sha256(fields, "Repr-Digest")
    return Create(
        length=_checked(length, max_size),
        protocol=UploadProtocol.IETF,
        metadata_header=header or None,
        metadata=parse_metadata(header),
        declared_hash=parse_upload_hash(fields.joined(HASH_FIELD)),
        sha256=None if whole is None else whole.hex(),
        wants_sha256=preference(fields.joined("Want-Repr-Digest"), "sha-256") > 0,
        has_body=body_length != 0,
        body_length=body_length,
        checksum=_content_digest(fields),
        completes=completes,
    )


def _metadata_header(fields: Fields) -> str:
    """Return what the request says of the file, as Upload-Metadata of tus has it.

    tus-js-client sends Upload-Metadata in the draft too; what it lacks is taken from Content-Type
    and Content-Disposition. Raises: MalformedHeader, MetadataTooLarge.
    """
    given = fields.joined("Upload-Metadata") or ""
    known = parse_metadata(given)
    found = {}
    name = safe_name(filename_of(_raw(fields, "Content-Disposition")) or "")
    if name and not known.keys() & {"filename", "name"}:
        found["filename"] = name
    kind = fields.joined("Content-Type") or ""
    if media_type(kind) not in ("", PARTIAL_TYPE) and not known.keys() & {"filetype", "type"}:
        found["filetype"] = kind[:_TYPE_CHARACTERS]
    return ",".join(part for part in (given, metadata_header(found)) if part)


def _raw(fields: Fields, name: str) -> bytes:
    return (fields.joined(name) or "").encode("latin-1")


def _append(head: Head, version: Version, max_size: int | None) -> Append:
    fields = head.fields
    if version.typed and media_type(fields.one("Content-Type")) != PARTIAL_TYPE:
        raise WrongContentType(f"The header Content-Type must be {PARTIAL_TYPE}.")
    offset = integer(fields.joined("Upload-Offset"))
    if offset is None:
        raise MalformedHeader("The header Upload-Offset must be one non-negative integer.")
    return Append(
        upload_id=upload_id_of(head),
        offset=offset,
        protocol=UploadProtocol.IETF,
        completes=_append_completes(fields, version),
        repeats=version.repeats,
        overrun_ends=version.overrun_ends,
        declared_length=_checked(integer(fields.joined("Upload-Length")), max_size),
        body_length=body_length_of(fields),
        checksum=_content_digest(fields),
        declared_hash=parse_upload_hash(fields.joined(HASH_FIELD)),
    )


def _content_digest(fields: Fields) -> Checksum | None:
    """Return the digest that the content of the request must have."""
    digest = _sha256(fields, "Content-Digest")
    return None if digest is None else Checksum(algorithm="sha256", digest=digest)


def _sha256(fields: Fields, name: str) -> bytes | None:
    """Return the SHA-256 in a field of RFC 9530; other algorithms are ignored."""
    digest = byte_sequence(fields.joined(name), "sha-256")
    return digest if digest is not None and len(digest) == _SHA256_BYTES else None


def _append_completes(fields: Fields, version: Version) -> bool | None:
    """Return the meaning of an append for completeness; None: it is complete at its length."""
    completes = version.completes(fields)
    if completes is not None or version.without_completeness == "by length":
        return completes
    if version.without_completeness == "completes":
        return True
    raise MalformedHeader(f"The header {version.completeness_field} must be ?0 or ?1.")


def _checked(length: int | None, max_size: int | None) -> int | None:
    if length is not None and max_size is not None and length > max_size:
        raise MaxSizeExceeded(max_size)
    return length
