"""Defines the settings of media: what is made of each kind of file, and within which limits."""

from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, StringConstraints, model_validator

from tusd_py.domain.rendition import NAME_PATTERN
from tusd_py.settings.pictures import ImageSettings, WatermarkSettings
from tusd_py.settings.section import Section
from tusd_py.settings.values import Duration, Size

S = TypeVar("S", bound=Section)
ProfileName = Annotated[str, StringConstraints(pattern=f"^{NAME_PATTERN}$")]


class VideoSettings(Section):
    """Sets what is made of films."""

    web: bool = Field(True, description="Make a web copy (MP4 with H.264 and AAC) of films")
    always_playable: bool = Field(
        True,
        description=(
            "Make the web copy of a film that browsers do not play (HEVC, ProRes, MKV and others) "
            "even if it is not smaller; the original is kept too then"
        ),
    )
    max_side: int = Field(
        0,
        ge=0,
        description="Longest side of a web copy in pixels; larger films are scaled. 0: no limit",
    )
    max_short_side: int = Field(
        0,
        ge=0,
        description=(
            "Largest length of the shorter side of a web copy in pixels (1080: Full HD); 0: no "
            "limit"
        ),
    )
    max_frame_rate: float = Field(
        0.0,
        ge=0,
        le=1000,
        description="Highest frame rate of a web copy; 0: only the limit of max_level",
    )
    max_level: Literal["3.0", "3.1", "4.0", "4.1", "4.2", "5.0", "5.1", "5.2", "6.0", "6.2"] = (
        Field(
            "6.2",
            description=(
                "Highest level of H.264 (Rec. ITU-T H.264, table A-1) of a web copy, which limits "
                "its size and frame rate. 6.2 allows 8K at 120 frames a second, 5.2 4K at 60, 4.2 "
                "1080p at 60 for older telephones"
            ),
        )
    )
    deinterlace: bool = Field(
        True, description="Make whole frames of films whose frames are two fields (television, DV)"
    )
    metadata: Literal["keep", "strip_location", "strip_all"] = Field(
        "keep",
        description=(
            "Tags of a film in its web copy: keep (all), strip_location (without the place where "
            "it was taken), strip_all (only languages, chapters and the date of recording)"
        ),
    )
    poster: bool = Field(
        True,
        description="Make the rendition poster of films: a frame that is not empty, as JPEG",
    )
    poster_side: int = Field(
        3840, ge=16, le=16384, description="Largest length of the poster's longest side, in pixels"
    )
    thumbnail_width: int = Field(
        320,
        ge=0,
        le=4096,
        description=(
            "Width in pixels of the rendition thumbnail of films, a small copy of the poster; 0: "
            "none"
        ),
    )
    storyboard: bool = Field(
        True,
        description=(
            "Make the renditions storyboard (up to 100 small pictures of a film in one JPEG) and "
            "storyboard-map (WebVTT with the time of each of them), which players show above "
            "their time line"
        ),
    )
    storyboard_from: Duration = Field(10.0, description="Shortest film that gets a storyboard")
    hls: tuple[Annotated[int, Field(ge=16, le=4320)], ...] = Field(
        (),
        max_length=6,
        description=(
            "Sizes of films for HTTP Live Streaming, by the length of their shorter side in "
            "pixels, for example 360, 720, 1080. They make the renditions hls (the playlist that "
            "players open), hls-720p, hls-720p-media and so on. Each size is encoded from the "
            "film and costs as much as a web copy of that size; no film is enlarged. Empty: none"
        ),
    )
    encoder: Literal["software", "vaapi", "nvenc", "qsv"] = Field(
        "software",
        description=(
            "Encoder of web copies: software (x264), or a graphics processor by vaapi (Intel, "
            "AMD), nvenc (NVIDIA) or qsv (Intel), which is faster and makes larger files. If it "
            "fails, x264 is used"
        ),
    )
    encoder_device: Path = Field(
        Path("/dev/dri/renderD128"),
        description=(
            "Node of the graphics processor for vaapi and qsv; ffmpeg can use no other device of "
            "/dev"
        ),
    )
    watermark: WatermarkSettings = Field(
        WatermarkSettings(),
        description=(
            "Is drawn over the web copies of films, and so over all that is made of them; every "
            "film gets a web copy then, and its original is kept too"
        ),
    )
    subtitles: bool = Field(
        True,
        description=(
            "Make the renditions subtitles-1-eng and so on of films: each track of text "
            "subtitles, as WebVTT"
        ),
    )


class AudioSettings(Section):
    """Sets what is made of sound files."""

    web: bool = Field(
        True,
        description=(
            "Make a web copy of sounds that browsers do not play (WMA, AIFF, AMR, ALAC and "
            "others), and of lossless sounds (WAV, FLAC) if it is smaller than media.gain_ratio"
        ),
    )
    format: Literal["aac", "opus"] = Field(
        "aac", description="Format of encoded web copies: aac (M4A) or opus (WebM)"
    )
    bitrate: str = Field(
        "128k",
        pattern=r"^[1-9][0-9]{0,3}k$",
        description=(
            "Bit rate of encoded stereo; other layouts have the same rate for each channel, and "
            "at least 64 kbit/s for each"
        ),
    )
    loudness: Literal["off"] | Annotated[float, Field(ge=-70, le=-5)] = Field(
        "off",
        description=(
            "Loudness in LUFS (EBU R 128) to which every sound is normalized, with true peaks up "
            "to -1.5 dBTP: -16 is usual for the web, -23 for broadcasts. The result becomes the "
            "web copy, and the original is kept too. off: the loudness is not changed"
        ),
    )
    waveform: bool = Field(
        True,
        description=(
            "Make the rendition waveform: peaks as JSON in the format of audiowaveform, which "
            "players in browsers draw"
        ),
    )
    waveform_points: int = Field(
        1800, ge=16, le=100_000, description="Largest number of points in a waveform"
    )
    cover: bool = Field(
        True,
        description=(
            "Make the rendition cover from the picture in a sound file, and a thumbnail of it if "
            "media.image makes thumbnails"
        ),
    )
    metadata: Literal["keep", "strip_location", "strip_all"] = Field(
        "keep",
        description=(
            "Tags of a sound in its main copy: keep (all), strip_location (without the place "
            "where it was recorded), strip_all (only languages and chapters)"
        ),
    )


class Profile(Section):
    """Sets what is made of each kind of file."""

    video: VideoSettings = VideoSettings()
    image: ImageSettings = ImageSettings()
    audio: AudioSettings = AudioSettings()

    def replaced_by(self, other: "Profile") -> "Profile":
        """Return this profile with the values that are set in ``other``."""
        return Profile(
            video=_replaced(self.video, other.video),
            image=_replaced(self.image, other.image),
            audio=_replaced(self.audio, other.audio),
        )


def _replaced(base: S, other: S) -> S:
    return base.model_copy(update={name: getattr(other, name) for name in other.model_fields_set})


class MediaSettings(Section):
    """Sets what is made of files, and the sandbox of the programs for media."""

    compress: bool = Field(
        True, description="Make web copies and renditions; off: files are stored as they were sent"
    )
    keep_original: Literal["when-lossy", "always", "never"] = Field(
        "when-lossy",
        description=(
            "Whether the file as it was sent is kept in addition to its web copy: when-lossy "
            "(unless an inventory proves that the web copy contains everything that the file "
            "has), always, never"
        ),
    )
    crf: int = Field(23, ge=0, le=51, description="x264 quality")
    audio_bitrate: str = Field("128k", pattern=r"^[0-9]+k$", description="AAC bit rate")
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow"] = (
        Field("veryfast", description="x264 speed")
    )
    on_failure: Literal["keep", "fail"] = Field(
        "keep",
        description=(
            "If a video can't be compressed: store the original (keep), or fail the task (fail)"
        ),
    )
    gain_ratio: float = Field(
        0.95,
        gt=0,
        le=1,
        description="Keep the original unless the result is smaller than this share of it",
    )
    sandbox: Literal["auto", "bwrap", "landlock", "rlimit", "off"] = Field(
        "auto",
        description=(
            "Sandbox of ffmpeg: bwrap (namespaces), landlock (no other file, no TCP), rlimit "
            "(only limits), off. auto selects the strongest one that works and logs a warning if "
            "it is not bwrap; with any other value the process refuses to start if the sandbox "
            "does not work"
        ),
    )
    ffmpeg: str = Field("ffmpeg", description="Program name or path")
    ffprobe: str = Field("ffprobe", description="Program name or path")
    memory_limit: Size = Field(
        0,
        description=(
            "Most memory that one program for media may use. Its need is estimated from the size "
            "of the picture, the preset and its threads, and it gets fewer threads if it would "
            "need more; 0: three quarters of the memory of the machine or container, divided by "
            "the slots"
        ),
    )
    max_pixels: int = Field(
        35389440,
        description="Pixels of the largest film or sound cover that is decoded (8192 x 4320)",
    )
    max_duration: Duration = Field(43200.0, description="Longest video that is compressed")
    cpu_budget: Duration = Field(
        7200.0,
        gt=0,
        description=(
            "Processor time that the compression of one video may take, all threads together. A "
            "video that would need more, by its size and number of frames, is not compressed; a "
            "compression that exceeds it is stopped. 2 h is the cost of a film of 2 h in 1080p"
        ),
    )
    cpu_per_mib: Duration = Field(
        60.0,
        gt=0,
        description=(
            "Processor time that each MiB of a video adds to one minute, up to media.cpu_budget: "
            "a small file can't cause much work"
        ),
    )
    stall_timeout: Duration = Field(
        60.0, description="Time without progress after which ffmpeg is stopped"
    )
    video: VideoSettings = VideoSettings()
    image: ImageSettings = ImageSettings()
    audio: AudioSettings = AudioSettings()
    profiles: dict[ProfileName, Profile] = Field(
        {},
        description=(
            "Named sets of values that replace those of media.video, media.image and media.audio; "
            "they are written as media.profiles.NAME.video and so on in the file, as JSON in the "
            "environment"
        ),
    )
    profile_choice: tuple[ProfileName, ...] = Field(
        (),
        description=(
            "Profiles that a client may choose for an upload by the metadata key profile; another "
            "name is refused (400). Empty: the key has no effect"
        ),
    )

    @model_validator(mode="after")
    def _choices_exist(self) -> Self:
        missing = [name for name in self.profile_choice if name not in self.profiles]
        if missing:
            raise ValueError(f"profile_choice names {missing[0]}, which is not in profiles")
        return self

    def profile(self, name: str = "") -> Profile:
        """Return what is made of files, with the values of the named profile.

        Without a name, or if clients may not choose this profile, the sections themselves apply.
        """
        base = Profile(video=self.video, image=self.image, audio=self.audio)
        if name not in self.profile_choice:
            return base
        return base.replaced_by(self.profiles[name])
