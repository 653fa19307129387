"""The result of step 3 for one file of any kind."""

from dataclasses import dataclass, field

from tusd_py.domain.notes import Note
from tusd_py.domain.rendition import Facts, ProducedFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Produced:
    """Holds the verified outputs of one file."""

    web: ProducedFile | None = None
    """The web copy; if it is None, the file itself becomes the main object."""
    others: tuple[ProducedFile, ...] = ()
    """Renditions, in the order in which they are listed."""
    is_equal: bool = False
    """Whether an inventory proves that the web copy carries everything that the file has."""
    facts: Facts = field(default_factory=dict)
    notes: tuple[Note, ...] = ()
    """Why the file was kept as it is, or what the web copy lacks."""
