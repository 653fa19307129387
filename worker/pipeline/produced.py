"""What the making step came to for one file, whatever kind it is."""

from dataclasses import dataclass, field

from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import Facts, ProducedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """Verified outputs of one file."""

    web: ProducedFile | None = None
    """The web copy; None: the file itself becomes the main object."""
    others: tuple[ProducedFile, ...] = ()
    """Renditions, in the order in which they are listed."""
    is_equal: bool = False
    """Whether an inventory proves that the web copy carries everything that the file has."""
    facts: Facts = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    """Why the file was kept as it is, or what the web copy lacks."""
