"""Places processes of a test beside each other, as ``serve --processes`` does."""

from pathlib import Path

from tusd_py.sibling_bus import SiblingBus, Topic
from tusd_py.siblings import Siblings


def siblings_in(folder: Path, number: int, *, servers: int = 2) -> Siblings:
    """Return the place of one process; all processes of a folder are siblings."""
    directory = folder / "processes"
    directory.mkdir(mode=0o700, exist_ok=True)
    return Siblings(directory=directory, number=number, servers=servers, secret=b"secret")


def listens(bus: SiblingBus, topic: Topic, number: int) -> bool:
    """Return whether this bus sends to that process; the file of its mailbox is there before that."""
    return bool(bus._listeners[topic * bus._count + number])
