"""A file: an entry of the pool, pointing at a finished object."""

from dataclasses import dataclass, field

from tusd_py.domain.ids import Scope
from tusd_py.domain.rendition import ORIGINAL, WEB, Facts, Rendition


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A row of ``repository_pool`` (requirement S13). Hash and size of source and stored object differ when
    the content was compressed (hole 4). Sizes in bytes, times in unix seconds (UTC).
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
    extra_size: int = 0
    """Bytes that are kept beyond ``size``: the main object and all renditions together may be more."""
    facts: Facts = field(default_factory=dict)
    """What is known of the content: duration, size of the picture, codecs, date."""

    @property
    def main_name(self) -> str:
        """The main object's name as a rendition: ``original`` where it is the file as it was sent."""
        return ORIGINAL if self.stored_hash == self.hash else WEB


def main_object(file: File) -> Rendition:
    """Return the main object of a pool entry, under the name ``web`` or ``original``."""
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
