"""Runs ffmpeg for the renditions of one film, all of them within one limit of processor time."""

import logging
import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tusd_py.clock import Clock
from tusd_py.private_files import make_private_directory
from tusd_py.worker.media.causes import ToolFailed
from tusd_py.worker.media.contents import Contents
from tusd_py.worker.media.draft import NotOnePlainFile, take_drafts
from tusd_py.worker.media.memory import Share
from tusd_py.worker.media.position import Position
from tusd_py.worker.media.probe import inspect_media
from tusd_py.worker.media.run import Bounds, CpuTimeExceeded, LimitExceeded, Stalled, run
from tusd_py.worker.media.sandbox import Limits, Sandbox
from tusd_py.worker.media.tools import Tools
from tusd_py.worker.media.transcode import PATIENCE, PROGRESS_BYTES

log = logging.getLogger(__name__)

OUTPUT_FOLDER: Final = "renditions"
DRAFT_NAME: Final = "rendition.part"
WALL_FACTOR: Final = 10.0
"""Wall-clock limit as a multiple of the processor time, since other processes use the CPUs too."""
LEAST_CPU_SECONDS: Final = 1.0
"""Least remaining processor time with which a program is still started."""


class RenditionFailed(Exception):
    """Raised when a rendition can't be made; its text is for the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenditionCommand:
    """Describes what one program makes. Sizes are in bytes."""

    source: Path
    argv: Callable[..., list[str]]
    """Builds the command line from the paths of source and outputs as seen by the program."""
    names: tuple[str, ...]
    """Names of the files that are made."""
    largest: int
    """Limit of each file, and of all together."""
    wall: float | None = None
    """Longest time in seconds; None derives it from the processor time."""
    moved: Callable[[float], None] | None = None
    """Called with the position in seconds of a program that writes it (``-progress pipe:1``).

    Such a program may run as long as its position advances.
    """
    pixels: int = 0
    """Pixels of the picture that is decoded; 0 means the usual size."""


@dataclass(kw_only=True)
class Workshop:
    """Runs the programs for one film."""

    tools: Tools
    clock: Clock
    stopped: Callable[[], bool]
    """Returns whether the work must end now."""
    folder: Path
    """Folder of the results, with a subfolder for the programs' outputs."""
    share: Callable[[int], Share]
    """Returns the memory and the threads of a program by the number of pixels of the picture."""
    stall_seconds: float
    """Longest time without a new position."""
    cpu_left: float
    """Seconds of processor time left for all remaining renditions."""

    def make(self, order: RenditionCommand) -> tuple[Path, ...]:
        """Run a program on a source and return the files that it made.

        Raises: RenditionFailed, Stopped.
        """
        output = self.folder / OUTPUT_FOLDER
        drafts = {f"{DRAFT_NAME}{number}": name for number, name in enumerate(order.names)}
        shutil.rmtree(output, ignore_errors=True)
        box = self._box(order.source, output, order.largest, order.pixels)
        argv = order.argv(box.source_seen, *map(box.output_seen, drafts))
        try:
            make_private_directory(output)
            ran = run(
                box.wrap(argv),
                clock=self.clock,
                stopped=self.stopped,
                wall_seconds=order.wall or self._wall(order, box),
                stall_seconds=self.stall_seconds if order.moved else None,
                on_line=Position(order.moved).on_line if order.moved else None,
                bounds=Bounds(
                    stdout=PROGRESS_BYTES if order.moved else 1 << 20,
                    cpu=self.cpu_left,
                    folder=output,
                    folder_size=order.largest,
                ),
            )
            self.cpu_left -= ran.cpu
            if ran.code != 0:
                log.info("media.rendition.refused", extra={"code": ran.code, "stderr": ran.stderr})
                raise RenditionFailed(f"exit code {ran.code}")
            targets = {draft: self.folder / name for draft, name in drafts.items()}
            take_drafts(output, targets, largest=order.largest)
        except LimitExceeded as error:
            if isinstance(error, CpuTimeExceeded | Stalled):
                # The next program would end the same way, and take as long.
                self.cpu_left = 0.0
            raise RenditionFailed(f"limit: {error}") from error
        except (NotOnePlainFile, OSError) as error:
            raise RenditionFailed(str(error)) from error
        return tuple(targets.values())

    def look(self, source: Path, demuxer: str) -> Contents:
        """Return the contents of a file. Raises: RenditionFailed, Stopped."""
        box = self._box(source, None, 1 << 20, 0)
        try:
            found = inspect_media(self.tools, box, demuxer, clock=self.clock, stopped=self.stopped)
        except (ToolFailed, LimitExceeded, OSError) as error:
            raise RenditionFailed("it can't be read") from error
        if found is None:
            raise RenditionFailed("it can't be read")
        return found

    @staticmethod
    def _wall(order: RenditionCommand, box: Sandbox) -> float:
        return (PATIENCE if order.moved else WALL_FACTOR) * box.limits.cpu

    def _box(self, source: Path, output: Path | None, largest: int, pixels: int) -> Sandbox:
        """Return the sandbox for one program. Raises: RenditionFailed."""
        if self.cpu_left < LEAST_CPU_SECONDS:
            raise RenditionFailed("no processor time is left")
        share = self.share(pixels)
        limits = Limits(
            memory=share.memory,
            file_size=largest,
            cpu=math.ceil(self.cpu_left),
            threads=share.threads,
            memory_is_short=share.is_short,
        )
        return Sandbox(kind=self.tools.sandbox, source=source, output=output, limits=limits)
