"""Which programs for media there are, found once at start."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from typing import Final

from tusd_py.settings import Settings
from worker.media.sandbox import Kind, strongest

_VERSION: Final = re.compile(r"ffmpeg version (\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Paths of programs, None where missing, and the sandbox they run in."""

    ffmpeg: str | None
    ffprobe: str | None
    version: str
    sandbox: Kind

    def sentence(self) -> str:
        """For the start message."""
        if self.ffmpeg is None:
            return "no ffmpeg: videos are stored as they come"
        return f"ffmpeg {self.version}, sandbox {self.sandbox}"


def discover(settings: Settings) -> Tools:
    """Look for ffmpeg on PATH, then in the package imageio-ffmpeg (which has no ffprobe).

    Raises: BackendError: the sandbox that the settings demand does not start.
    """
    ffmpeg = shutil.which(settings.media.ffmpeg) or _shipped()
    return Tools(
        ffmpeg=ffmpeg,
        ffprobe=shutil.which(settings.media.ffprobe),
        version=_version(ffmpeg) if ffmpeg else "",
        sandbox=strongest(settings.media.sandbox),
    )


def _shipped() -> str | None:
    try:
        import imageio_ffmpeg

        found: str = imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return None
    return found


def _version(ffmpeg: str) -> str:
    done = subprocess.run([ffmpeg, "-version"], capture_output=True, text=True, check=False)
    match = _VERSION.search(done.stdout)
    return match[1] if match else "of unknown version"
