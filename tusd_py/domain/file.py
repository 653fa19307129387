"""A file: an entry of the pool, pointing at a finished object."""

from dataclasses import dataclass

from tusd_py.domain.ids import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A row of ``repository_pool`` (S13). Hash and size of source and stored object differ when
    the content was compressed (the seed's hole 4). Sizes in bytes, times in unix seconds (UTC).
    """

    identity: str
    scope: Scope
    hash: str
    """BLAKE3 of what the client sent."""
    name: str
    ext: str
    size: int
    """Of what the client sent."""
    path: str
    """Where the object is, as ``ObjectStore.url`` says it (oss_path)."""
    object_key: str
    stored_hash: str
    stored_size: int
    content_type: str
    created_at: float
