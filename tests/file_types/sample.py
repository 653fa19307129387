"""Describes one file of the corpus: how it is made, and what may be claimed of it."""

from collections.abc import Callable
from dataclasses import dataclass

Make = str | Callable[[], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Is a file of one kind.

    ``make`` is a line for the shell, which writes ``$O`` and may use the files in ``$B``, or a
    function that returns the content. ``program`` made it; "specification" if no program that
    writes this kind can be had, and then ``source`` cites where the bytes are specified.
    """

    name: str
    extensions: tuple[str, ...]
    """Extensions that a file with this content may rightly have, the usual one first."""
    declared: tuple[str, ...]
    """Media types that clients declare for it."""
    family: str
    """For the worker: video, audio, image, or none."""
    program: str
    make: Make
    source: str = ""


def sample(
    name: str,
    extensions: str,
    declared: str,
    program: str,
    make: Make,
    *,
    family: str = "none",
    source: str = "",
) -> Sample:
    """Return a sample; extensions and declared types are separated by spaces."""
    return Sample(
        name=name,
        extensions=tuple(extensions.split()),
        declared=tuple(declared.split()),
        family=family,
        program=program,
        make=make,
        source=source,
    )
