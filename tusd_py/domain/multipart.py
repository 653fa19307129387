"""Describes a multipart upload, which any worker can continue (requirement S19)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Is a part that the object store has. Number from 1, size in bytes."""

    number: int
    size: int
    etag: str
    """As the store named it; the store requires it when the multipart upload is completed."""
    checksum: str
    """Checksum that this kind of store computes: CRC-64 (decimal) or MD5 (hexadecimal)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Multipart:
    """Is a multipart upload to the object store that was begun. Sizes are in bytes."""

    key: str
    upload_id: str
    """Id of the multipart upload at the object store."""
    part_size: int
    parts: tuple[Part, ...] = ()
    """Parts that the object store has, in the order of their numbers."""
