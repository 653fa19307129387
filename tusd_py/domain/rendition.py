"""Defines renditions: files in addition to the main object, which are made of the same content.

The main object is what ``oss_path`` names and what a download without a name gives: the web copy,
or the file as it was sent if there is no web copy.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

WEB: Final = "web"
"""Name of the main object if it was made of the file that was sent."""
ORIGINAL: Final = "original"
"""Name of the file as it was sent, byte for byte."""
NAME_CHARACTERS: Final = 63
NAME_PATTERN: Final = r"[a-z0-9][a-z0-9-]{0,62}"
"""Pattern of the names of renditions and of profiles."""
_NAME: Final = re.compile(NAME_PATTERN)

Facts = Mapping[str, object]
"""What is known about a file, as JSON values: durations in seconds, sizes in bytes or pixels."""


def is_rendition_name(text: str) -> bool:
    """Return whether a rendition may have this name: 1 to 63 of a-z, 0-9 and -."""
    return _NAME.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """Holds a row of ``renditions``: an object in addition to the main one; size in bytes."""

    name: str
    object_key: str
    path: str
    """Address of the object, as ``ObjectStore.url`` returns it."""
    hash: str
    """BLAKE3 of its bytes, 64 hexadecimal digits."""
    size: int
    content_type: str
    ext: str
    """Extension with its dot; '' if none."""
    facts: Facts = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProducedFile:
    """Is a file that a worker has made and verified, before it is stored. Its size is in bytes."""

    name: str
    """``WEB`` or the rendition's name."""
    path: str
    """Path relative to the task's work directory."""
    hash: str
    size: int
    content_type: str
    ext: str
    facts: Facts = field(default_factory=dict)
