"""The makers, a module for each group. Importing this package registers all files of the table."""

from media.makers import (
    colour,
    containers,
    damaged,
    names,
    pictures,
    rates,
    recordings,
    rotation,
    sounds,
    streams,
    tracks,
)

__all__ = [
    "colour", "containers", "damaged", "names", "pictures", "rates", "recordings", "rotation",
    "sounds", "streams", "tracks",
]  # fmt: skip
