"""Runs the real ffmpeg in its real sandbox, without a server."""

from dataclasses import replace
from pathlib import Path

from tusd_py.clock import SystemClock
from tusd_py.settings.model import Settings
from tusd_py.worker.film_renditions.film import Film
from tusd_py.worker.film_renditions.workshop import Workshop
from tusd_py.worker.media.choose import choose
from tusd_py.worker.media.memory import Share
from tusd_py.worker.media.sandbox import Kind
from tusd_py.worker.media.tools import discover


def workshop_in(folder: Path, *, cpu: float = 60.0, sandbox: Kind = "bwrap") -> Workshop:
    return Workshop(
        tools=replace(discover(Settings()), sandbox=sandbox),
        clock=SystemClock(),
        stopped=lambda: False,
        folder=folder,
        share=lambda _: Share(1 << 30, 1, is_short=False),
        stall_seconds=60.0,
        cpu_left=cpu,
    )


def film_at(workshop: Workshop, path: Path) -> Film:
    """Return the film in a file, whose container follows from its extension."""
    demuxer = {".mp4": "mov", ".mov": "mov", ".mkv": "matroska", ".webm": "matroska"}[path.suffix]
    contents = workshop.look(path, demuxer)
    chosen = choose(contents)
    assert chosen is not None
    return Film(path=path, demuxer=demuxer, contents=contents, chosen=chosen)
