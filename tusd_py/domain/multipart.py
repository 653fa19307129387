"""An object that is sent in parts: what is kept of it, so that any worker can go on (requirement S19)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Is a part that the object store has. Number from 1, size in bytes."""

    number: int
    size: int
    etag: str
    """As the store named it; completing asks for it."""
    checksum: str
    """What the store's kind counts of the bytes: CRC-64 (decimal) or MD5 (hexadecimal)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Multipart:
    """An upload to the object store that was begun. Sizes in bytes."""

    key: str
    upload_id: str
    """Id of the multipart upload at the object store."""
    part_size: int
    parts: tuple[Part, ...] = ()
    """Parts that the object store has, in the order of their numbers."""
