"""Plans of films and their command lines, made as the worker makes them."""

import subprocess
from dataclasses import dataclass, replace
from pathlib import Path

from tusd_py.clock import SystemClock
from tusd_py.domain.notes import Note
from tusd_py.settings.model import Settings
from tusd_py.worker.media.accept import objection
from tusd_py.worker.media.choose import Chosen, choose
from tusd_py.worker.media.contents import Contents
from tusd_py.worker.media.film_argv import encode_argv
from tusd_py.worker.media.inventory import Loss, losses
from tusd_py.worker.media.measure import measure
from tusd_py.worker.media.plan import Encode, Packaging, Wishes, plan_film
from tusd_py.worker.media.probe import inspect_media
from tusd_py.worker.media.run import run
from tusd_py.worker.media.sandbox import Limits, Sandbox
from tusd_py.worker.media.tools import discover

TOOLS = discover(Settings())


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """Holds an encoded film, what it lost, and why it would be refused."""

    made: Contents
    lost: frozenset[Loss]
    objection: Note | None


LIMITS = Limits(memory=2 << 30, file_size=64 << 20, cpu=60)


def contents_of(source: Path, demuxer: str) -> Contents:
    """Return the contents of a film, which is read to its end if its header lacks facts."""
    box = Sandbox(kind="rlimit", source=source, output=None, limits=LIMITS)
    clock = SystemClock()
    found = inspect_media(TOOLS, box, demuxer, clock=clock, stopped=lambda: False)
    assert found is not None
    return measure(
        TOOLS, box, demuxer, found, chosen_of(found).picture, clock=clock, stopped=lambda: False,
        stall_seconds=60,
    )  # fmt: skip


def chosen_of(contents: Contents) -> Chosen:
    """Return a film's streams."""
    chosen = choose(contents)
    assert chosen is not None
    return chosen


def encoding_of(contents: Contents, demuxer: str, wishes: Wishes | None = None) -> Encode:
    """Return how a film is encoded, even if no gain is expected."""
    contents = replace(contents, bit_rate=None, size=None)
    streams = tuple(replace(one, bit_rate=None) for one in contents.streams)
    contents = replace(contents, streams=streams)
    plan = plan_film(
        contents, chosen_of(contents), wishes or Wishes(), Packaging(demuxer=demuxer),
        has_tone_mapping=True,
    )  # fmt: skip
    assert isinstance(plan, Encode)
    return plan


def encode_line(
    source: Path,
    demuxer: str,
    *,
    seen: str,
    output: str,
    wishes: Wishes | None = None,
    threads: int = 1,
) -> list[str]:
    """Return the command line that encodes a film.

    ``seen`` and ``output`` are paths as ffmpeg sees them.
    """
    plan = encoding_of(contents_of(source, demuxer), demuxer, wishes)
    return encode_argv(
        "ffmpeg", plan, source=seen, output=output, demuxer=demuxer, max_pixels=1 << 25,
        threads=threads,
    )  # fmt: skip


def encoded(source: Path, demuxer: str, made: Path, wishes: Wishes | None = None) -> Encoded:
    """Encode a film as the worker does, without a sandbox."""
    contents = contents_of(source, demuxer)
    plan = encoding_of(contents, demuxer, wishes or Wishes(preset="ultrafast"))
    argv = encode_argv(
        "ffmpeg", plan, source=str(source), output=str(made), demuxer=demuxer, max_pixels=1 << 25,
        threads=1,
    )  # fmt: skip
    ran = run(argv, clock=SystemClock(), stopped=lambda: False, wall_seconds=60)
    assert ran.code == 0, ran.stderr
    found = contents_of(made, "mov")
    chosen = chosen_of(contents)
    return Encoded(
        made=found,
        lost=losses(contents, chosen, found, copied=False),
        objection=objection(contents, chosen, found, errors=ran.errors, keeps_frames=True),
    )


def pixels(path: Path, *, size: str) -> list[tuple[int, int, int]]:
    """Return the colours of one frame, scaled to ``size``, as a player shows them by the tags."""
    shown = f"scale=out_range=full,format=rgb24,scale={size}:flags=area"
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-vf", shown, "-frames:v", "1",
         "-f", "rawvideo", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    return [(raw[at], raw[at + 1], raw[at + 2]) for at in range(0, len(raw), 3)]
