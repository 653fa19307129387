"""Defines a file: an entry of the pool, with the object that holds its content."""

from dataclasses import dataclass, field

from tusd_py.domain.ids import Scope
from tusd_py.domain.rendition import ORIGINAL, WEB, Facts, Rendition


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Holds a row of ``repository_pool`` (requirement S13): bytes, and unix seconds (UTC).

    Hash and size of the source differ from those of the stored object if the content was compressed
    (hole 4).
    """

    identity: str
    scope: Scope
    hash: str
    """BLAKE3 of the bytes that the client sent."""
    name: str
    ext: str
    size: int
    """Size of what the client sent."""
    path: str
    """Address of the object, as ``ObjectStore.url`` returns it (oss_path)."""
    object_key: str
    stored_hash: str
    stored_size: int
    content_type: str
    created_at: float
    extra_size: int = 0
    """Bytes by which the main object and all renditions together exceed ``size``."""
    facts: Facts = field(default_factory=dict)
    """What is known about the content: duration, size of the picture, codecs, date."""

    @property
    def main_name(self) -> str:
        """Name of the main object as a rendition: ``original`` if it is the file as it was sent."""
        return ORIGINAL if self.stored_hash == self.hash else WEB


def main_object(file: File) -> Rendition:
    """Return the main object of an entry in the pool, with the name ``web`` or ``original``."""
    return Rendition(
        name=file.main_name,
        object_key=file.object_key,
        path=file.path,
        hash=file.stored_hash,
        size=file.stored_size,
        content_type=file.content_type,
        ext=file.ext,
        facts=file.facts,
    )
