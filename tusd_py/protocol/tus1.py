"""Implements tus 1.0.0 in pure functions: a head becomes a command, a result becomes headers.

Rule 1: no I/O, no clock. Rule 2: everything that depends on the head only is checked here, before
the first byte of a body is read. Rule 3: the head is copied before the body is read: trailers must
not change it (check C68).
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import urlsplit

from tusd_py.domain.commands import (
    Append,
    Checksum,
    Command,
    Create,
    Discover,
    Inspect,
    LateChecksum,
    Terminate,
)
from tusd_py.domain.errors import (
    InvalidConcatenation,
    MalformedHeader,
    MaxSizeExceeded,
    MethodNotAllowed,
    ResourceNotFound,
    UnsupportedVersion,
    WrongContentType,
)
from tusd_py.domain.ids import UploadId, parse_upload_id
from tusd_py.domain.ownership_proof import ANSWER_BYTES, ANSWER_SECONDS, WINDOW_BYTES, WINDOWS
from tusd_py.domain.upload import HASH_HEX_DIGITS, UploadKind
from tusd_py.protocol.conditions import conditions_of
from tusd_py.protocol.download import download_command
from tusd_py.protocol.fields import (
    Fields,
    http_date,
    media_type,
    parse_byte_sequence,
    parse_checksum,
    parse_defer_length,
    parse_metadata,
    parse_number,
    parse_upload_hash,
)
from tusd_py.protocol.head import (
    COLLECTION_METHODS,
    UPLOAD_METHODS,
    Head,
    body_length_of,
    effective_method,
    upload_id_of,
)
from tusd_py.protocol.rendition import rendition_name

VERSION: Final = "1.0.0"
BODY_TYPE: Final = "application/offset+octet-stream"
HASH_KEY: Final = "filehash"
"""Metadata key by which every client can declare the file's hash: ``blake3:<64 hex digits>``."""
HASH_HEADER: Final = "Upload-Hash"
"""Header that declares the same hash: ``blake3=:<Base64 of 32 bytes>:``."""
INSTANT_HEADER: Final = "Upload-Instant"
"""Header of an answer about an instant upload.

In a request, the value ``challenge`` means that the client can give an ownership proof.
"""
CHALLENGE_HEADER: Final = "Upload-Challenge"
"""Challenge for a proof: ``v=1, nonce=:<Base64 of 32 bytes>:, n=256, w=4096, exp=60``."""
PROOF_HEADER: Final = "Upload-Proof"
"""Ownership proof: ``:<Base64 of 32 bytes>:``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """Lists what this server announces. ``max_size`` is in bytes; None: unlimited."""

    extensions: tuple[str, ...]
    max_size: int | None
    digest_sizes: Mapping[str, int] = field(default_factory=dict)
    """Size in bytes of a digest, for each checksum algorithm."""

    def announces(self, extension: str) -> bool:
        """Return whether the extension is announced."""
        return extension in self.extensions

    def with_trailers(self) -> "Capabilities":
        """Return the capabilities for a connection that delivers trailers."""
        if not self.announces("checksum"):
            return self
        behind = self.extensions.index("checksum") + 1
        named = (*self.extensions[:behind], "checksum-trailer", *self.extensions[behind:])
        return replace(self, extensions=named)


def is_plain_head(head: Head) -> bool:
    """Return whether it is a HEAD without tus, as of ``curl -I``: the head of the answer to GET.

    A client of tus has Tus-Resumable in every request.
    """
    override = head.fields.joined("X-HTTP-Method-Override") or head.method
    named = head.method == override.upper() == "HEAD"
    return named and "Tus-Resumable" not in head.fields


def parse_request(head: Head, capabilities: Capabilities) -> Command:
    """Return the command of a request's head.

    Raises: ProtocolError, UploadNotFound (no upload can have that address), MaxSizeExceeded.
    """
    method = effective_method(head)
    if method == "OPTIONS":
        # OPTIONS needs no Tus-Resumable, by an exception in the core protocol.
        return Discover()
    if method == "GET" or is_plain_head(head):
        return download_command(
            head.fields,
            upload_id_of(head),
            rendition=rendition_name(head.query),
            # The server sends no body in the answer to a HEAD, whatever the override is.
            send_body=head.method != "HEAD",
        )
    _check_allowed(head, method, capabilities)
    # "If the version specified by the Client is not supported by the Server, it MUST respond with
    # the 412 Precondition Failed status"
    if head.fields.one("Tus-Resumable") != VERSION:
        raise UnsupportedVersion
    match method:
        case "POST":
            return _create(head, capabilities)
        case "PATCH":
            return _append(head, capabilities)
        case "DELETE":
            return Terminate(upload_id=upload_id_of(head), conditions=conditions_of(head.fields))
        case _:
            return Inspect(upload_id=upload_id_of(head))


def creation_of(length: int, metadata: str, capabilities: Capabilities) -> Create:
    """Return the command for an upload that is not created by a request of its own.

    Args: metadata: as in Upload-Metadata.
    Raises: what ``parse_request`` raises.
    """
    if not metadata.isascii():
        raise MalformedHeader("Metadata must be a text as in Upload-Metadata.")
    fields = {"Upload-Length": str(length)}
    if metadata:
        fields["Upload-Metadata"] = metadata
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    return _create(Head(method="POST", resource="", fields=Fields(raw)), capabilities)


def _check_allowed(head: Head, method: str, capabilities: Capabilities) -> None:
    allowed: tuple[str, ...] = UPLOAD_METHODS if head.resource else COLLECTION_METHODS
    if not capabilities.announces("termination"):
        allowed = tuple(name for name in allowed if name != "DELETE")
    if "/" in head.resource:
        raise ResourceNotFound
    if method not in allowed:
        raise MethodNotAllowed(allowed)


def _create(head: Head, capabilities: Capabilities) -> Create:
    fields = head.fields
    metadata_header = fields.joined("Upload-Metadata")
    metadata = parse_metadata(metadata_header or "")
    concat_header = fields.one("Upload-Concat")
    kind, parts = _concatenation(concat_header, capabilities)
    body_length = body_length_of(fields)
    has_body = media_type(fields.one("Content-Type")) == BODY_TYPE
    length = _creation_length(fields, kind, capabilities)
    if kind is UploadKind.FINAL and has_body and body_length != 0:
        raise InvalidConcatenation("A final upload is made of its parts and takes no body.")
    return Create(
        length=length,
        kind=kind,
        metadata_header=metadata_header or None,
        metadata=metadata,
        concat_header=concat_header,
        parts=parts,
        declared_hash=_declared_hash(fields, metadata),
        has_body=has_body,
        body_length=body_length,
        checksum=_checksum(head, capabilities),
        challenge=_wants_challenge(fields),
    )


def _wants_challenge(fields: Fields) -> bool:
    return (fields.one(INSTANT_HEADER) or "").lower() == "challenge"


def _checksum(head: Head, capabilities: Capabilities) -> Checksum | LateChecksum | None:
    """Return the chunk's digest, or a function that reads it from the trailers.

    "If the hash cannot be calculated at the beginning of the upload, it MAY be included as a
    trailer. [...] the Trailer header [...] MUST be included"
    """
    if not capabilities.announces("checksum"):
        return None
    text = head.fields.one("Upload-Checksum")
    follows = capabilities.announces("checksum-trailer") and "upload-checksum" in [
        name.strip().lower() for name in (head.fields.joined("Trailer") or "").split(",")
    ]
    if not follows:
        return None if text is None else parse_checksum(text, capabilities.digest_sizes)
    if text is not None:
        raise MalformedHeader("Upload-Checksum must come once, before the body or behind it.")

    def late() -> Checksum:
        text = Fields(head.trailers).one("Upload-Checksum")
        if text is None:
            raise MalformedHeader("The trailer Upload-Checksum was promised and did not come.")
        return parse_checksum(text, capabilities.digest_sizes)

    return late


def _creation_length(fields: Fields, kind: UploadKind, capabilities: Capabilities) -> int | None:
    """Return the length in bytes; None: it is deferred, or the upload is final.

    "The request MUST include one of the following headers: Upload-Length to indicate the size of an
    entire upload in bytes, Upload-Defer-Length: 1"; a final upload has neither.
    """
    length_text, defer_text = fields.one("Upload-Length"), fields.one("Upload-Defer-Length")
    if kind is UploadKind.FINAL:
        if length_text is not None or defer_text is not None:
            raise MalformedHeader("A final upload's length follows from its parts.")
        return None
    if defer_text is not None:
        if not capabilities.announces("creation-defer-length"):
            raise MalformedHeader("Upload-Defer-Length is not supported.")
        parse_defer_length(defer_text)
        if length_text is not None:
            raise MalformedHeader("Upload-Length and Upload-Defer-Length exclude each other.")
        return None
    if length_text is None:
        raise MalformedHeader("The header Upload-Length or Upload-Defer-Length is missing.")
    return _length(length_text, capabilities)


def _length(text: str, capabilities: Capabilities) -> int:
    length = parse_number("Upload-Length", text)
    if capabilities.max_size is not None and length > capabilities.max_size:
        raise MaxSizeExceeded(capabilities.max_size)
    return length


def _concatenation(
    text: str | None, capabilities: Capabilities
) -> tuple[UploadKind, tuple[UploadId, ...]]:
    """Return the kind and the parts of an upload.

    "The value MUST be either partial, or final followed by a semicolon and a space-separated list
    of partial upload URLs". Paths and absolute URLs are both accepted, since clients send either.
    """
    if text is None:
        return UploadKind.REGULAR, ()
    if not capabilities.announces("concatenation"):
        raise InvalidConcatenation("Concatenation is not supported.")
    if text == "partial":
        return UploadKind.PARTIAL, ()
    word, semicolon, urls = text.partition(";")
    if word != "final" or not semicolon or not urls.split():
        raise InvalidConcatenation
    return UploadKind.FINAL, tuple(_part(url) for url in urls.split())


def _part(url: str) -> UploadId:
    """Return the id at the end of a part's address.

    The rest is as a proxy made it for the client. The id is random, and its owner is checked.
    """
    try:
        path = urlsplit(url).path
    except ValueError as error:
        raise InvalidConcatenation from error
    upload_id = parse_upload_id(path.rpartition("/")[2])
    if upload_id is None:
        raise InvalidConcatenation("Upload-Concat names something that is no partial upload.")
    return upload_id


def _declared_hash(fields: Fields, metadata: Mapping[str, bytes]) -> str | None:
    """Return the hash in the header or in the metadata.

    Raises: MalformedHeader: one of them is malformed, or they differ.
    """
    by_header, by_metadata = parse_upload_hash(fields.joined(HASH_HEADER)), declared_hash(metadata)
    if by_header is not None and by_metadata not in (None, by_header):
        raise MalformedHeader(f"{HASH_HEADER} and {HASH_KEY} in Upload-Metadata differ.")
    return by_header or by_metadata


def declared_hash(metadata: Mapping[str, bytes]) -> str | None:
    """Return the declared BLAKE3 of the whole file, 64 hexadecimal digits; None if none.

    An unknown algorithm is ignored; a malformed digest is refused. Raises: MalformedHeader.
    """
    raw = metadata.get(HASH_KEY)
    if raw is None:
        return None
    algorithm, _, digest = raw.decode("latin-1").lower().partition(":")
    if algorithm != "blake3":
        return None
    if len(digest) != HASH_HEX_DIGITS or any(char not in "0123456789abcdef" for char in digest):
        raise MalformedHeader(f"{HASH_KEY} must be blake3: and {HASH_HEX_DIGITS} hex digits.")
    return digest


def _append(head: Head, capabilities: Capabilities) -> Append:
    fields = head.fields
    upload_id = upload_id_of(head)
    # "All PATCH requests MUST use Content-Type: application/offset+octet-stream, otherwise the
    # server SHOULD return a 415 Unsupported Media Type status."
    if media_type(fields.one("Content-Type")) != BODY_TYPE:
        raise WrongContentType
    offset_text = fields.one("Upload-Offset")
    if offset_text is None:
        raise MalformedHeader("The header Upload-Offset is missing.")
    length_text = fields.one("Upload-Length")
    body_length = body_length_of(fields)
    proof = parse_byte_sequence(PROOF_HEADER, fields.one(PROOF_HEADER), ANSWER_BYTES)
    if proof is not None and body_length != 0:
        raise MalformedHeader(f"{PROOF_HEADER} comes with an empty body.")
    return Append(
        upload_id=upload_id,
        offset=parse_number("Upload-Offset", offset_text),
        declared_length=None if length_text is None else _length(length_text, capabilities),
        body_length=body_length,
        checksum=_checksum(head, capabilities),
        challenge=_wants_challenge(fields),
        proof=proof,
        declared_hash=parse_upload_hash(fields.joined(HASH_HEADER)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadFacts:
    """Holds an upload for an answer. Sizes are in bytes, ``expires_at`` in unix seconds (UTC)."""

    offset: int | None
    """Offset; None: the answer must not contain one (a final upload with unfinished parts)."""
    length: int | None
    metadata_header: str | None = None
    concat_header: str | None = None
    expires_at: float | None = None
    instant: bool = False
    """Whether it is an instant upload: the client need not send its bytes."""
    challenge: bytes | None = None
    """Nonce of the challenge for an ownership proof."""


def discovery_headers(capabilities: Capabilities) -> dict[str, str]:
    """Return the headers of the answer to OPTIONS, which is 204."""
    headers = {"Tus-Version": VERSION}
    if capabilities.extensions:
        headers["Tus-Extension"] = ",".join(capabilities.extensions)
    if capabilities.max_size is not None:
        headers["Tus-Max-Size"] = str(capabilities.max_size)
    if capabilities.digest_sizes:
        headers["Tus-Checksum-Algorithm"] = ",".join(capabilities.digest_sizes)
    return headers


def inspection_headers(facts: UploadFacts) -> dict[str, str]:
    """Return the headers of the answer to HEAD, which is 200.

    "The Server MUST always include the Upload-Offset header [...] MUST prevent the client and/or
    proxies from caching the response by adding the Cache-Control: no-store header."
    """
    headers = {"Cache-Control": "no-store", **progress_headers(facts)}
    if facts.length is not None:
        headers["Upload-Length"] = str(facts.length)
    elif facts.offset is not None:
        headers["Upload-Defer-Length"] = "1"
    if facts.metadata_header is not None:
        headers["Upload-Metadata"] = facts.metadata_header
    if facts.concat_header is not None:
        headers["Upload-Concat"] = facts.concat_header
    return headers


def progress_headers(facts: UploadFacts) -> dict[str, str]:
    """Return the headers of the answer to PATCH (204) and, with Location, to POST (201)."""
    headers = {}
    if facts.offset is not None:
        headers["Upload-Offset"] = str(facts.offset)
    if facts.expires_at is not None:
        headers["Upload-Expires"] = http_date(facts.expires_at)
    if facts.instant:
        headers[INSTANT_HEADER] = "1"
    if facts.challenge is not None:
        nonce = base64.b64encode(facts.challenge).decode()
        headers[CHALLENGE_HEADER] = (
            f"v=1, nonce=:{nonce}:, n={WINDOWS}, w={WINDOW_BYTES}, exp={ANSWER_SECONDS}"
        )
    return headers
