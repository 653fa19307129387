"""Plans how a film's picture is encoded: its filters, its colour, its size and its timestamps."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from tusd_py.worker.media.contents import Colour, Stream
from tusd_py.worker.media.pixel_format import pixel_format

REFERENCE_WHITE: Final = 203
"""Luminance of diffuse white in HDR, in candela per square metre (Report ITU-R BT.2408)."""
OFTEN_INTERLACED: Final = frozenset({"mpeg2video", "dvvideo"})
"""Codecs of cameras and broadcasts whose headers may lack the field order or state a wrong one."""
MAY_INTERLACE: Final = frozenset(
    {"h264", "vc1", "mpeg4", "wmv3", "hevc", "prores", "dnxhd", "ffv1"}
)
"""Codecs that sometimes carry fields."""
SD_HEIGHT: Final = 720
"""Players treat an untagged picture of less height as standard definition."""
DEFAULT_RATE: Final = Fraction(30)
FINEST_TIME_BASE: Final = Fraction(1, 1_000_000)
KEY_FRAME_SECONDS: Final = 10
MAX_KEY_FRAME_DISTANCE: Final = 250
_MATRICES: Final = frozenset(
    {"bt709", "bt470bg", "smpte170m", "smpte240m", "bt2020nc", "bt2020c", "fcc"}
)  # fmt: skip
_TRANSFERS: Final = frozenset(
    {"bt709", "smpte170m", "gamma22", "gamma28", "bt470m", "bt470bg", "smpte240m", "iec61966-2-1",
     "bt2020-10", "bt2020-12", "linear"}
)  # fmt: skip
_PRIMARIES: Final = frozenset(
    {"bt709", "bt470m", "bt470bg", "smpte170m", "smpte240m", "bt2020", "film", "smpte431",
     "smpte432"}
)  # fmt: skip
HD: Final = Colour("tv", "bt709", "bt709", "bt709")


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Describes how one picture is encoded. Sizes in pixels."""

    index: int
    filters: tuple[str, ...]
    colour: Colour
    """Colours that the result is tagged with."""
    rate: Fraction
    """Mean frames per second, for the encoder's level and rate control, not for timestamps."""
    time_base: Fraction | None
    """Unit of the timestamps, which are those of the source; None if the frame rate is constant."""
    key_frame_distance: int
    """Most frames between two key frames."""


def plan_picture(
    stream: Stream,
    *,
    max_size: tuple[int, int],
    max_rate: Fraction,
    deinterlace: bool = True,
    is_broadcast: bool = False,
) -> Picture:
    """Return how the picture is encoded as 8-bit 4:2:0 in ``max_size``, at ``max_rate`` at most.

    Args: is_broadcast: whether the container is one of television, where fields are usual.
    """
    source, colour = _colours(stream)
    rate = stream.average_rate or _guessed(stream) or DEFAULT_RATE
    is_too_fast = rate > max_rate
    steps = [
        _declared(stream, source),
        _deinterlaced(stream, is_broadcast=is_broadcast) if deinterlace else "",
        f"fps={max_rate.numerator}/{max_rate.denominator}" if is_too_fast else "",
        _scaled(stream, max_size, source, colour),
        *(tone_mapped(stream) if stream.colour.is_hdr else ()),
        "format=yuv420p",
    ]
    encoded_rate = min(rate, max_rate)
    return Picture(
        index=stream.index,
        filters=tuple(filter(None, steps)),
        colour=colour,
        rate=encoded_rate,
        time_base=None if is_too_fast else _time_base(stream),
        key_frame_distance=_key_frame_distance(encoded_rate),
    )


def _guessed(stream: Stream) -> Fraction | None:
    """Return the guessed rate, unless it is the unit of timestamps (WebM: 1000, MPEG-TS: 90000)."""
    rate = stream.guessed_rate
    return rate if rate is not None and rate <= 240 else None


def _time_base(stream: Stream) -> Fraction:
    base = stream.time_base or Fraction(1, 90_000)
    return max(base, FINEST_TIME_BASE)


def _key_frame_distance(rate: Fraction) -> int:
    return max(2, min(MAX_KEY_FRAME_DISTANCE, round(rate * KEY_FRAME_SECONDS)))


def _colours(stream: Stream) -> tuple[Colour, Colour]:
    """Return the colours of the source's values and those of the result's values."""
    known = pixel_format(stream.pixel_format)
    if stream.colour.is_hdr:
        return stream.colour, HD
    if known is not None and known.chroma == "rgb":
        return Colour("pc", "gbr", "", ""), HD
    is_full = stream.colour.range == "pc" or stream.pixel_format.startswith("yuvj")
    usual = _usual(stream)
    space = stream.colour.space if stream.colour.space in _MATRICES else usual.space
    primaries, transfer = stream.colour.primaries, stream.colour.transfer
    if primaries not in _PRIMARIES:
        # Players assume those of BT.709 if none are named.
        primaries = "bt2020" if space.startswith("bt2020") else "bt709"
    source = Colour(
        "pc" if is_full else "tv",
        space,
        transfer if transfer in _TRANSFERS else "bt709",
        primaries,
    )
    return source, Colour("tv", source.space, source.transfer, source.primaries)


def _usual(stream: Stream) -> Colour:
    """Return the colours that players assume for an untagged picture, by its size."""
    if max(stream.height, stream.width * 9 // 16) >= SD_HEIGHT:
        return HD
    space = "bt470bg" if stream.height in (576, 288) else "smpte170m"
    return Colour("tv", space, "bt709", "bt709")


def _declared(stream: Stream, source: Colour) -> str:
    """Return the filter that sets the colours of the values.

    A decoder may state wrong ones: ffmpeg's VP8 decoder states BT.601, whatever the container
    states.
    """
    if source.space == "gbr" or stream.colour.is_hdr:
        return ""
    range_ = "full" if source.range == "pc" else "limited"
    return (
        f"setparams=range={range_}:colorspace={source.space}"
        f":color_primaries={source.primaries}:color_trc={source.transfer}"
    )


def _deinterlaced(stream: Stream, *, is_broadcast: bool) -> str:
    """Return the filter that makes whole frames of fields; '' if it is not needed.

    If the header states fields, it handles all frames. Otherwise it handles those that the decoder
    marks, then those that look interlaced.
    """
    if stream.field_order in ("tt", "bb", "tb", "bt"):
        return "bwdif=mode=send_frame:parity=auto:deint=all"
    is_suspect = stream.codec in OFTEN_INTERLACED or (
        stream.codec in MAY_INTERLACE and (is_broadcast or stream.field_order != "progressive")
    )
    # At each new size ffmpeg builds its filters again, and would lose the frames that these hold.
    if is_suspect and not stream.changes_size:
        marked = "bwdif=mode=send_frame:parity=auto:deint=interlaced"
        return f"{marked},idet,{marked}"
    return ""


def _scaled(stream: Stream, size: tuple[int, int], source: Colour, colour: Colour) -> str:
    width, height = size
    ranges = "in_range=full" if source.range == "pc" else "in_range=limited"
    if stream.colour.is_hdr:
        matrices, ranges = "", ranges + ":out_range=limited"
    elif source.space == "gbr":
        matrices, ranges = f":out_color_matrix={colour.space}", "out_range=limited"
    else:
        ranges += ":out_range=limited"
        matrix = swscale_matrix(colour.space)
        matrices = f":in_color_matrix={matrix}:out_color_matrix={matrix}"
    flags = ":flags=bicubic+accurate_rnd"
    if stream.changes_size:
        return (
            f"scale={width}:{height}:force_original_aspect_ratio=decrease:{ranges}{matrices}{flags}"
            f",pad={width}:{height}:-1:-1,setsar=1"
        )
    return f"scale={width}:{height}:{ranges}{matrices}{flags}"


def swscale_matrix(space: str) -> str:
    """Return the name of a matrix in ffmpeg's scaler."""
    return {
        "bt2020nc": "bt2020",
        "bt2020c": "bt2020",
        "bt470bg": "bt601",
        "smpte170m": "bt601",
    }.get(space, space)


def tone_mapped(stream: Stream) -> tuple[str, ...]:
    """Return the filters that bring HDR into the range of other screens.

    Diffuse white stays white, and brighter values are compressed (the Möbius function).
    """
    matrix = stream.colour.space if stream.colour.space.startswith("bt2020") else "bt2020nc"
    primaries = stream.colour.primaries if stream.colour.primaries in _PRIMARIES else "bt2020"
    transfer = stream.colour.transfer
    return (
        f"zscale=tin={transfer}:min={matrix}:pin={primaries}:rin=limited:t=linear:npl={REFERENCE_WHITE}",
        "format=gbrpf32le",
        "zscale=p=bt709",
        "tonemap=mobius:desat=0",
        "zscale=t=bt709:m=bt709:r=limited",
    )
