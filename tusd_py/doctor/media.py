"""Check ffmpeg and its sandbox: whether the worker's tools start together."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tusd_py.clock import SystemClock
from tusd_py.doctor.findings import Finding, note, ok, problem, warning
from tusd_py.domain.errors import BackendError
from tusd_py.settings.model import Settings
from tusd_py.worker.media.encoders import Encoder, EncoderName, trial_argv
from tusd_py.worker.media.memory import probe_memory
from tusd_py.worker.media.run import LimitExceeded, run
from tusd_py.worker.media.sandbox import Kind, Limits, Sandbox
from tusd_py.worker.media.system_calls import filter_file
from tusd_py.worker.media.tools import Tools, discover

ENCODERS: Final = ("libx264", "aac")
"""The encoders that ``tusd_py.worker.media.argv`` uses."""
START_SECONDS: Final = 30.0
_ENCODER: Final = re.compile(r"^ [VAS][.A-Z]{5} (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaFacts:
    """Facts about the tools."""

    version: str
    """'' if there is no ffmpeg."""
    ffprobe: bool
    sandbox: Kind | None
    """None: the sandbox that the settings demand does not start."""
    encoders: frozenset[str] | None
    """None: ffmpeg did not start in the sandbox."""
    filtered: bool = True
    """Whether libseccomp is installed, for the filter of system calls."""
    encoder: EncoderName = "software"
    """The setting ``media.video.encoder``."""
    encoder_works: bool = True
    """Whether it encoded two frames in the sandbox."""


def check_media(settings: Settings) -> list[Finding]:
    """Read the facts and return the findings."""
    if not settings.media.compress:
        return [ok("media", "Videos are stored as they come, as media.compress says.")]
    return judge_media(_read_facts(settings), wanted=settings.media.sandbox)


def _read_facts(settings: Settings) -> MediaFacts:
    try:
        tools = discover(settings)
    except BackendError:
        return MediaFacts(version="", ffprobe=False, sandbox=None, encoders=None)
    return MediaFacts(
        version=tools.version if tools.ffmpeg else "",
        ffprobe=tools.ffprobe is not None,
        sandbox=tools.sandbox,
        encoders=_encoders(tools, probe_memory(settings.media)),
        filtered=filter_file() is not None,
        encoder=settings.media.video.encoder,
        encoder_works=_encodes(tools, settings),
    )


def _encodes(tools: Tools, settings: Settings) -> bool:
    """Encode two frames as web copies are, in the sandbox."""
    video = settings.media.video
    encoder = Encoder(name=video.encoder, device=video.encoder_device)
    if not encoder.is_hardware or tools.ffmpeg is None:
        return True
    limits = Limits(memory=probe_memory(settings.media), file_size=1 << 20, cpu=int(START_SECONDS))
    box = Sandbox(
        kind=tools.sandbox,
        source=Path(tools.ffmpeg),
        output=None,
        limits=limits,
        devices=encoder.devices,
    )
    try:
        ran = run(
            box.wrap(trial_argv(tools.ffmpeg, encoder)),
            clock=SystemClock(),
            stopped=lambda: False,
            wall_seconds=START_SECONDS,
        )
    except (OSError, LimitExceeded):
        return False
    return ran.code == 0


def _encoders(tools: Tools, memory: int) -> frozenset[str] | None:
    """List the encoders in the sandbox, with the limits of real work."""
    if tools.ffmpeg is None:
        return frozenset()
    limits = Limits(memory=memory, file_size=1 << 20, cpu=int(START_SECONDS))
    box = Sandbox(kind=tools.sandbox, source=Path(tools.ffmpeg), output=None, limits=limits)
    try:
        ran = run(
            box.wrap([tools.ffmpeg, "-hide_banner", "-encoders"]),
            clock=SystemClock(),
            stopped=lambda: False,
            wall_seconds=START_SECONDS,
        )
    except (OSError, LimitExceeded):
        return None
    return frozenset(_ENCODER.findall(ran.stdout)) if ran.code == 0 else None


def judge_media(facts: MediaFacts, *, wanted: str) -> list[Finding]:
    """Return the findings. Args: wanted: the setting ``media.sandbox``."""
    if facts.sandbox is None:
        return [
            problem(
                "media.sandbox",
                f"The sandbox {wanted} does not start here, and the settings demand it.",
                "Install bubblewrap and allow user namespaces, or set media.sandbox to auto.",
            )
        ]
    return [*_sandbox(facts.sandbox, wanted), *_filter(facts), *_ffmpeg(facts)]


def _sandbox(kind: Kind, wanted: str) -> list[Finding]:
    if kind in ("bwrap", wanted):
        return [ok("media.sandbox", f"{kind} starts.")]
    remedy = "Install bubblewrap and allow user namespaces."
    if kind == "landlock":
        sentence = "bubblewrap does not start: Landlock keeps ffmpeg from other files and from TCP."
        return [note("media.sandbox", sentence, remedy)]
    if kind == "rlimit":
        sentence = "Neither bubblewrap nor Landlock starts: ffmpeg has limits, but sees files."
        return [note("media.sandbox", sentence, remedy)]
    return [warning("media.sandbox", "Nothing keeps ffmpeg in a box.", remedy)]


def _filter(facts: MediaFacts) -> list[Finding]:
    if facts.filtered or facts.sandbox == "off":
        return []
    sentence = "libseccomp is missing: ffmpeg may use every system call."
    return [note("media.filter", sentence, "Install libseccomp2 (libseccomp elsewhere).")]


def _ffmpeg(facts: MediaFacts) -> list[Finding]:
    if not facts.version:
        return [
            warning(
                "media.ffmpeg",
                "There is no ffmpeg: videos are stored as they come.",
                "Install ffmpeg, or pip install 'tusd-py[ffmpeg]', or set media.compress to false.",
            )
        ]
    if facts.encoders is None:
        return [
            problem(
                "media.ffmpeg",
                "ffmpeg does not start in the sandbox: no video is compressed.",
                "Raise media.memory_limit; use an ffmpeg whose libraries are below /usr.",
            )
        ]
    missing = [name for name in ENCODERS if name not in facts.encoders]
    if missing:
        return [
            problem(
                "media.ffmpeg",
                f"This ffmpeg has no {' and no '.join(missing)}: no video is compressed.",
                "Install one that was built with it; that of Debian was.",
            )
        ]
    found = [ok("media.ffmpeg", f"ffmpeg {facts.version} with {' and '.join(ENCODERS)}.")]
    if facts.encoder != "software":
        found.append(_encoder(facts))
    if not facts.ffprobe:
        found.append(
            note(
                "media.ffprobe",
                "There is no ffprobe: ffmpeg itself reads what a file holds.",
                "Install the ffprobe that belongs to ffmpeg.",
            )
        )
    return found


def _encoder(facts: MediaFacts) -> Finding:
    if facts.encoder_works:
        return ok("media.encoder", f"The hardware encoder {facts.encoder} works in the sandbox.")
    return warning(
        "media.encoder",
        f"The hardware encoder {facts.encoder} does not work here: x264 does its work.",
        "Let the worker's user open media.video.encoder_device (group render or video), install "
        "the driver, "
        "or set media.video.encoder to software.",
    )
