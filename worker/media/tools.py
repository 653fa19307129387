"""Finds the media programs once at start."""

import logging
import re
import shutil
from dataclasses import dataclass
from typing import Final

from tusd_py.clock import SystemClock
from tusd_py.domain.errors import BackendError
from tusd_py.settings.model import Settings
from tusd_py.worker.images.watermark_check import check_watermarks
from tusd_py.worker.media.run import LimitExceeded, run
from tusd_py.worker.media.sandbox import Kind, strongest
from tusd_py.worker.media.system_calls import filter_file

log = logging.getLogger(__name__)

_VERSION: Final = re.compile(r"ffmpeg version (\S{1,100})")
VERSION_SECONDS: Final = 10.0
TONE_MAPPING: Final = "--enable-libzimg"
"""Option with which ffmpeg must be built to have the filter zscale."""
UNKNOWN_VERSION: Final = "of unknown version"
WEAKNESSES: Final[dict[Kind, str]] = {
    "bwrap": "",
    "landlock": "bubblewrap does not start here: Landlock keeps programs for media from other "
    "files and from TCP.",
    "rlimit": "Neither bubblewrap nor Landlock starts here: programs for media can read every file "
    "of this user.",
    "off": "No sandbox starts here: nothing keeps programs for media in a box.",
}
NO_FILTER: Final = "libseccomp is missing: programs for media may use every system call."
REMEDY: Final = (
    "Install bubblewrap and libseccomp and allow user namespaces; media.sandbox=bwrap refuses to "
    "start without them, and naming the weaker one accepts it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Holds the paths of programs, None for missing ones, and the kind of their sandbox."""

    ffmpeg: str | None
    ffprobe: str | None
    version: str
    sandbox: Kind
    has_tone_mapping: bool = False
    """Whether ffmpeg has the filter that brings HDR into the range of other screens."""
    exiftool: str | None = None
    weakness: str = ""
    """Sentence on what the sandbox lacks although no setting chose a weaker one; '' if nothing."""

    def sentence(self) -> str:
        """Return the sentence of the start message."""
        warning = f" (WARNING: {self.weakness})" if self.weakness else ""
        if self.ffmpeg is None:
            return f"no ffmpeg: videos are stored as they come, sandbox {self.sandbox}{warning}"
        return f"ffmpeg {self.version}, sandbox {self.sandbox}{warning}"

    def warn(self) -> None:
        """Log what the sandbox lacks, and the remedy."""
        if self.weakness:
            log.warning(
                "media.sandbox.weak",
                extra={"sandbox": self.sandbox, "reason": self.weakness, "remedy": REMEDY},
            )


def discover(settings: Settings) -> Tools:
    """Find the programs: ffmpeg on PATH, or else in the package imageio-ffmpeg (without ffprobe).

    Raises: BackendError: the sandbox that the settings name does not start, or has no filter of
        system calls; the settings need exiftool, and it is missing, or a watermark that can't be
        drawn.
    """
    ffmpeg = shutil.which(settings.media.ffmpeg) or _shipped()
    wanted = settings.media.sandbox
    kind = strongest(wanted)
    about = _about(ffmpeg) if ffmpeg else ""
    if wanted not in ("auto", "off") and filter_file() is None:
        raise BackendError(f"The sandbox {wanted} is not whole. {NO_FILTER} Install libseccomp2.")
    check_watermarks(settings.media, kind)
    return Tools(
        ffmpeg=ffmpeg,
        ffprobe=shutil.which(settings.media.ffprobe),
        version=_version(about) if ffmpeg else "",
        sandbox=kind,
        has_tone_mapping=TONE_MAPPING in about,
        exiftool=_exiftool(settings),
        weakness=_weakness(kind) if wanted == "auto" else "",
    )


def _exiftool(settings: Settings) -> str | None:
    """Return the path of exiftool. Raises: BackendError: it is needed and missing."""
    found = shutil.which("exiftool")
    media = settings.media
    policies = {media.profile(name).image.metadata for name in ("", *media.profile_choice)}
    if found is None and policies != {"keep"}:
        raise BackendError(
            "media.image.metadata needs exiftool unless it is keep. Install libimage-exiftool-perl."
        )
    return found


def _weakness(kind: Kind) -> str:
    unfiltered = NO_FILTER if kind != "off" and filter_file() is None else ""
    return " ".join(filter(None, (WEAKNESSES[kind], unfiltered)))


def _shipped() -> str | None:
    try:
        import imageio_ffmpeg

        found: str = imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return None
    return found


def _about(ffmpeg: str) -> str:
    """Return what ffmpeg writes about its version and build; '' if it does not run."""
    try:
        return run(
            [ffmpeg, "-version"],
            clock=SystemClock(),
            stopped=lambda: False,
            wall_seconds=VERSION_SECONDS,
        ).stdout
    except (OSError, LimitExceeded):
        return ""


def _version(about: str) -> str:
    match = _VERSION.search(about)
    return match[1] if match else UNKNOWN_VERSION
