"""Follows ffmpeg's position in a file, which it writes twice a second with ``-progress pipe:1``."""

import re
from collections.abc import Callable
from typing import Final

_POSITION: Final = re.compile(r"out_time_us=([0-9]{1,16})\s*$")


class Position:
    """Keeps the furthest position so far. ``on_line`` is made for ``run(on_line=...)``."""

    def __init__(self, moved: Callable[[float], None] | None = None) -> None:
        """Start without a position. Args: moved: called with each new position in seconds."""
        self._furthest = -1
        self._moved = moved

    def on_line(self, line: str) -> bool:
        """Return whether the line shows a position beyond all earlier ones.

        A program may repeat a position, or go back and forth, without end.
        """
        found = _POSITION.match(line)
        if found is None or int(found[1]) <= self._furthest:
            return False
        self._furthest = int(found[1])
        if self._moved is not None:
            self._moved(self._furthest / 1e6)
        return True

    @property
    def seconds(self) -> float | None:
        """The furthest position in seconds; None if there was none."""
        return self._furthest / 1e6 if self._furthest >= 0 else None
