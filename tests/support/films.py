"""Plans of films and their command lines, made as the worker makes them."""

from dataclasses import replace
from pathlib import Path

from tusd_py.clock import SystemClock
from tusd_py.settings import Settings
from worker.media.choose import Chosen, choose
from worker.media.contents import Contents
from worker.media.film_argv import encode_argv
from worker.media.measure import measure
from worker.media.plan import Encode, Packaging, Wishes, plan_film
from worker.media.probe import look
from worker.media.sandbox import Box, Limits
from worker.media.tools import discover

TOOLS = discover(Settings())
LIMITS = Limits(memory=2 << 30, file_size=64 << 20, cpu=60)


def contents_of(source: Path, demuxer: str) -> Contents:
    """Return what a film holds, read to its end where its header does not tell."""
    box = Box(kind="rlimit", source=source, output=None, limits=LIMITS)
    clock = SystemClock()
    found = look(TOOLS, box, demuxer, clock=clock, stopped=lambda: False)
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
    """Return the command line that encodes a film. ``seen`` and ``output`` are paths as ffmpeg sees them."""
    plan = encoding_of(contents_of(source, demuxer), demuxer, wishes)
    return encode_argv(
        "ffmpeg", plan, source=seen, output=output, demuxer=demuxer, max_pixels=1 << 25, threads=threads
    )  # fmt: skip
