"""Parses the header fields of tus 1.0.0, with one strict parser for each field.

Rule 1: a parser returns the value of a text, or raises MalformedHeader; it does no I/O.
Rule 2: numbers are ASCII digits only: ``int`` alone would accept ``+5``, ``1_0`` and the digits of
other scripts. Rule 3: the specification is quoted above the code that checks it.
"""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Set
from datetime import UTC, datetime
from email.utils import formatdate
from functools import lru_cache
from typing import Final

from tusd_py.domain.commands import Checksum
from tusd_py.domain.errors import MalformedHeader, MetadataTooLarge, UnsupportedChecksumAlgorithm

MAX_NUMBER: Final = 2**63 - 1
MAX_METADATA_BYTES: Final = 16 * 1024
"""Largest size of the whole field.

A 4 KiB value must fit in base64 (check C104); uvicorn accepts 64 KiB of headers.
"""
MAX_METADATA_KEYS: Final = 32
BLAKE3_BYTES: Final = 32

_DATES: Final = (
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %d %H:%M:%S %Y",
)
"""The three forms of a date (RFC 9110, 5.6.7)."""
_NUMBER: Final = re.compile(r"[0-9]{1,19}")
_DIGITS: Final = re.compile(r"[0-9]+")
_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_METADATA_KEY: Final = re.compile(r"[!-+\--~]+")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]*={0,2}")


class Fields:
    """Holds header fields as received: decoded as latin-1, repeated fields as separate values."""

    def __init__(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in raw:
            text = value.decode("latin-1").strip(" \t")
            self._values.setdefault(_name_of(name), []).append(text)

    def one(self, name: str) -> str | None:
        """Return the field's value, None if it is absent.

        Raises: MalformedHeader: the field is repeated; the choice of one would be a guess.
        """
        values = self._values.get(name.lower())
        if values is None:
            return None
        if len(values) > 1:
            raise MalformedHeader(f"The header {name} must not be repeated.")
        return values[0]

    def joined(self, name: str) -> str | None:
        """Return the values of a list field as one list (RFC 9110, 5.3); None if it is absent."""
        values = self._values.get(name.lower())
        return None if values is None else ", ".join(values)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._values

    def has_any(self, names: Set[str]) -> bool:
        """Return whether one of these fields is present; ``names`` are in lower case."""
        return not self._values.keys().isdisjoint(names)


@lru_cache(256)
def _name_of(raw: bytes) -> str:
    """Return a field's name in lower case. Clients send the same few names in every request."""
    return raw.decode("latin-1").lower()


def is_field_name(text: str) -> bool:
    """Return whether a header field can have this name (RFC 9110, 5.1)."""
    return _FIELD_NAME.fullmatch(text) is not None


def parse_number(name: str, text: str) -> int:
    """Return a non-negative integer below 2^63.

    "The value MUST be a non-negative integer." (Upload-Offset, Upload-Length)
    Raises: MalformedHeader.
    """
    if not _NUMBER.fullmatch(text) or int(text) > MAX_NUMBER:
        large = _DIGITS.fullmatch(text) is not None
        raise MalformedHeader(
            f"The header {name} is too large." if large
            else f"The header {name} must be a non-negative integer."
        )  # fmt: skip
    return int(text)


def parse_defer_length(text: str) -> None:
    """Check the only valid value: "Upload-Defer-Length [...] MUST be 1".

    Raises: MalformedHeader.
    """
    if text != "1":
        raise MalformedHeader("The header Upload-Defer-Length must be 1.")


def parse_metadata(text: str) -> Mapping[str, bytes]:
    """Check Upload-Metadata of a request against the limits, and return its pairs.

    Raises: MalformedHeader, MetadataTooLarge.
    """
    if len(text) > MAX_METADATA_BYTES:
        raise MetadataTooLarge(f"Upload-Metadata is longer than {MAX_METADATA_BYTES} bytes.")
    if text.count(",") >= MAX_METADATA_KEYS:
        raise MetadataTooLarge(f"Upload-Metadata has more than {MAX_METADATA_KEYS} keys.")
    return decode_metadata(text)


def decode_metadata(text: str) -> Mapping[str, bytes]:
    """Return the pairs of Upload-Metadata with decoded values; a key without value has b"".

    It has no limits, so that stored metadata stays readable when a limit of requests changes.

    "The key and value MUST be separated by a space. The key MUST NOT contain spaces and commas and
    MUST NOT be empty. [...] All keys MUST be unique. The value MUST be Base64 encoded."
    An empty field means no metadata: tuspy sends it.
    Raises: MalformedHeader.
    """
    if not text:
        return {}
    metadata: dict[str, bytes] = {}
    for pair in text.split(","):
        key, _, encoded = pair.strip(" ").partition(" ")
        if not key or key in metadata:
            raise MalformedHeader("Upload-Metadata has an empty or repeated key.")
        metadata[key] = _decode_base64("Upload-Metadata", encoded)
    return metadata


def metadata_header(metadata: Mapping[str, str]) -> str:
    """Return the value of ``Upload-Metadata`` (tus 1.0.0, creation). Raises: ValueError."""
    for key in metadata:
        check_metadata_key(key)
    return ",".join(
        f"{key} {base64.b64encode(_utf8(value)).decode()}" if value else key
        for key, value in metadata.items()
    )


def check_metadata_key(key: str) -> None:
    """Check that a key is printable ASCII without spaces and commas (tus 1.0.0, creation).

    Raises: ValueError.
    """
    if not _METADATA_KEY.fullmatch(key):
        raise ValueError(
            f"the metadata key {key!r} must consist of printable ASCII without spaces and commas"
        )


def _utf8(text: str) -> bytes:
    """Return the bytes of a text; those of a file name that is not UTF-8 as the system has them."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _decode_base64(name: str, text: str) -> bytes:
    if not _BASE64.fullmatch(text) or len(text) % 4:
        raise MalformedHeader(f"{name} has a value that is not Base64.")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise MalformedHeader(f"{name} has a value that is not Base64.") from error


def parse_checksum(text: str, digest_sizes: Mapping[str, int]) -> Checksum:
    """Return the algorithm and digest of Upload-Checksum.

    "The Upload-Checksum request header [...] MUST consist of the name of the used checksum
    algorithm and the Base64 encoded checksum separated by a space."
    Args: digest_sizes: size in bytes of a digest, for each announced algorithm.
    Raises: MalformedHeader, UnsupportedChecksumAlgorithm.
    """
    algorithm, separator, encoded = text.partition(" ")
    if not algorithm or not separator:
        raise MalformedHeader("Upload-Checksum must be an algorithm, a space and a digest.")
    if algorithm not in digest_sizes:
        raise UnsupportedChecksumAlgorithm
    digest = _decode_base64("Upload-Checksum", encoded)
    if len(digest) != digest_sizes[algorithm]:
        raise MalformedHeader(f"A {algorithm} digest has {digest_sizes[algorithm]} bytes.")
    return Checksum(algorithm=algorithm, digest=digest)


def parse_upload_hash(text: str | None) -> str | None:
    """Return the BLAKE3 of the whole file in Upload-Hash, 64 hexadecimal digits; None if none.

    The field is a dictionary of byte sequences (RFC 8941, 3.2 and 3.3.5), as RFC 9530 has it for
    digests: ``blake3=:<Base64>:``. Other algorithms are ignored. Raises: MalformedHeader.
    """
    for member in (text or "").split(","):
        key, _, value = member.strip(" ").partition("=")
        if key != "blake3":
            continue
        digest = parse_byte_sequence("Upload-Hash", value, BLAKE3_BYTES)
        return None if digest is None else digest.hex()
    return None


def parse_byte_sequence(name: str, text: str | None, size: int) -> bytes | None:
    """Return ``size`` bytes that are written as in RFC 8941, 3.3.5: ``:<Base64>:``.

    Returns: None if the field is absent. Raises: MalformedHeader.
    """
    if text is None:
        return None
    if len(text) < 2 or text[0] != ":" or text[-1] != ":":
        raise MalformedHeader(f"{name} must have Base64 between two colons.")
    found = _decode_base64(name, text[1:-1])
    if len(found) != size:
        raise MalformedHeader(f"{name} must have {size} bytes.")
    return found


def media_type(text: str | None) -> str:
    """Return a Content-Type without its parameters, in lower case; '' if absent (check C38)."""
    return (text or "").partition(";")[0].strip().lower()


def http_date(unix_seconds: float) -> str:
    """Return a time as IMF-fixdate of RFC 9110, 5.6.7, for Upload-Expires (check C137)."""
    return _fixdate(int(unix_seconds))


def parse_date(text: str) -> float | None:
    """Return the unix seconds of a date in one of the forms of ``_DATES``; None if it is none."""
    for form in _DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).timestamp()
        except ValueError:
            continue
    return None


@lru_cache(64)
def _fixdate(unix_seconds: int) -> str:
    return formatdate(unix_seconds, usegmt=True)
