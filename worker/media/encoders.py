"""Encoders of H.264: x264, and those of graphics processors, which need frames in their own memory.

The options are those of ffmpeg's documentation (ffmpeg-codecs, VAAPI, QSV and NVENC encoders). The
quality is the same number for all, that of ``media.crf``: with similar numbers of a constant
quantiser these encoders look alike, but their files are larger than those of x264.
"""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, Literal

from tusd_py.worker.media.pictures import HD, Picture

EncoderName = Literal["software", "vaapi", "nvenc", "qsv"]
PROFILE: Final = "high"
NVIDIA: Final = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia-uvm", "/dev/nvidia-modeset")
CODECS: Final[dict[EncoderName, str]] = {
    "software": "libx264",
    "vaapi": "h264_vaapi",
    "nvenc": "h264_nvenc",
    "qsv": "h264_qsv",
}
"""ffmpeg's names of the encoders."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """Names one encoder, and builds its options."""

    name: EncoderName = "software"
    device: Path = Path("/dev/dri/renderD128")
    """Device file of the graphics processor, for vaapi and qsv."""

    @property
    def is_hardware(self) -> bool:
        """Whether it runs on a graphics processor."""
        return self.name != "software"

    @property
    def devices(self) -> tuple[Path, ...]:
        """The device files that it needs."""
        if self.name == "software":
            return ()
        return tuple(map(Path, NVIDIA)) if self.name == "nvenc" else (self.device,)

    def opening(self) -> list[str]:
        """Return the options that open the device; they stand before all inputs."""
        kind = {"vaapi": f"vaapi=gpu:{self.device}", "qsv": f"qsv=gpu,child_device={self.device}"}
        if self.name not in kind:
            return []
        return ["-init_hw_device", kind[self.name], "-filter_hw_device", "gpu"]

    def uploading(self) -> tuple[str, ...]:
        """Return the filters that bring a frame to the encoder; they stand after all others."""
        if self.name == "vaapi":
            return ("format=nv12", "hwupload")
        return ("format=nv12", "hwupload=extra_hw_frames=64") if self.name == "qsv" else ()

    def encoding(self, picture: Picture, *, quality: int, preset: str) -> list[str]:
        """Return the options of the encoder. Args: quality: 0 (best) to 51; preset: x264's."""
        distance = ["-g", str(picture.key_frame_distance)]
        # These encoders take 0 for "default".
        constant = str(max(1, quality))
        codec = ["-c:v", CODECS[self.name], "-profile:v", PROFILE]
        match self.name:
            case "vaapi":
                return [*codec, "-rc_mode", "CQP", "-qp", constant, *distance]
            case "qsv":
                return [*codec, "-preset", "medium", "-global_quality", constant, *distance]
            case "nvenc":
                rate = ["-rc", "vbr", "-cq", constant, "-b:v", "0"]
                return [*codec, "-preset", "p4", *rate, "-pix_fmt", "yuv420p", *distance]
        return [
            *codec, "-preset", preset, "-crf", str(quality), "-pix_fmt", "yuv420p", *distance,
            "-x264-params", f"fps={picture.rate.numerator}/{picture.rate.denominator}",
        ]  # fmt: skip


def trial_argv(ffmpeg: str, encoder: Encoder) -> list[str]:
    """Return the command line that encodes two black frames and writes nothing."""
    picture = Picture(
        index=0,
        filters=(),
        colour=HD,
        rate=Fraction(25),
        time_base=None,
        key_frame_distance=25,
    )
    return [
        ffmpeg, "-nostdin", "-v", "error", *encoder.opening(),
        "-f", "lavfi", "-i", "color=black:s=320x240:r=25", "-frames:v", "2",
        "-vf", ",".join(("format=yuv420p", *encoder.uploading())),
        *encoder.encoding(picture, quality=23, preset="veryfast"), "-f", "null", "-",
    ]  # fmt: skip
