"""The audit of originals: what was sent, compared with what can be downloaded.

It shares no code with the product: it compares ffprobe's facts about both files.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

from media.measure import Media, Seen, same_bytes

_TECHNICAL: Final = re.compile(
    r"encoder|major_brand|minor_version|compatible_brands|handler_name|vendor_id|duration.*|"
    r"bps.*|number_of.*|_statistics.*|language|encoding_tool|software|alpha_mode|stereo_mode|"
    r"variant_bitrate|timecode|hw|creation_time_ms|itunsmpb|title_and_more|track|filename|mimetype|"
    r"wm/.*|isvbr|devicemodelnumber|devicetype|isvbr|deviceconformancetemplate|.*date-eng|"
    r"bitrate|service_name|service_provider|vendor",
    re.IGNORECASE,
)
_LOSSLESS: Final = {
    "prores", "dnxhd", "ffv1", "huffyuv", "ffvhuff", "rawvideo", "png", "qtrle", "utvideo",
    "cfhd", "v210", "r210", "jpeg2000",
}  # fmt: skip


def lost(sent: Media, web: Media) -> list[str]:
    """Return what the sent file has and the web copy has not."""
    return [*_pictures(sent, web), *_sounds(sent, web), *_rest(sent, web), *_tags(sent, web)]


def _pictures(sent: Media, web: Media) -> Iterator[str]:
    before, after = sent.streams("video"), web.streams("video")
    if len(after) < len(before):
        yield f"{len(before) - len(after)} of {len(before)} pictures"
    if len(web.streams("cover")) < len(sent.streams("cover")):
        yield "the cover"
    if not before or not after:
        return
    one, other = sent.shown or before[0], after[0]
    for name, had in _qualities(one).items():
        if had > _qualities(other)[name]:
            yield name
    side, kept = _side_data(one), _side_data(other)
    yield from sorted(side - kept)
    if one.get("codec_name") in _LOSSLESS and other.get("codec_name") != one.get("codec_name"):
        yield f"the {one['codec_name']} master"
    if sent.display_size[0] > web.display_size[0] + 2:
        yield f"size {sent.display_size} to {web.display_size}"


def _qualities(stream: dict[str, Any]) -> dict[str, int]:
    pixels = str(stream.get("pix_fmt", ""))
    tags = {name.lower(): value for name, value in stream.get("tags", {}).items()}
    deep = re.search(r"p(9|10|12|14|16)(le|be)?$|(48|64)(le|be)$|gray(10|12|16)", pixels)
    chroma = 2 if re.search(r"444|rgb|bgr|gbr|argb|abgr", pixels) else 1 if "422" in pixels else 0
    return {
        "bit depth": 1 if deep else 0,
        "chroma": chroma if stream.get("codec_name") not in ("mjpeg", "mpeg2video") else 0,
        "alpha": int(
            pixels.startswith(("yuva", "rgba", "bgra", "argb", "abgr", "gbrap"))
            or tags.get("alpha_mode") == "1"
        ),
        "captions": int(stream.get("closed_captions", 0)),
        "HDR": int(stream.get("color_transfer") in ("smpte2084", "arib-std-b67")),
    }


def _side_data(stream: dict[str, Any]) -> set[str]:
    ignored = {"Display Matrix", "CPB properties", "Skip Samples"}
    return {
        data["side_data_type"]
        for data in stream.get("side_data_list", ())
        if data.get("side_data_type") not in ignored
    }


def _sounds(sent: Media, web: Media) -> Iterator[str]:
    before, after = sent.streams("audio"), web.streams("audio")
    filled = [stream for stream in before if stream.get("channels") and not _is_empty(sent, stream)]
    if len(after) < len(filled):
        yield f"{len(filled) - len(after)} of {len(filled)} sounds"
    missing = Counter(map(_language, filled)) - Counter(map(_language, after))
    yield from (f"sound in {language}" for language in missing if language != "und")
    had, has = (
        sorted((int(s.get("channels", 0)) for s in part), reverse=True) for part in (filled, after)
    )
    yield from (f"{a} channels to {b}" for a, b in zip(had, has, strict=False) if b < a)
    for one in filled:
        if str(one.get("codec_name", "")).startswith(
            ("pcm_s24", "pcm_s32", "pcm_f", "truehd", "flac", "alac")
        ):
            yield f"lossless sound ({one['codec_name']})"
    for role in ("comment", "hearing_impaired", "visual_impaired"):
        marked = [
            sum(bool(s.get("disposition", {}).get(role)) for s in part) for part in (filled, after)
        ]
        if marked[0] > marked[1]:
            yield f"which sound is {role}"


def _is_empty(media: Media, stream: dict[str, Any]) -> bool:
    """Return whether a track of an MP4 has no packet.

    Only then does ffprobe report no number of frames.
    """
    if "nb_frames" in stream or "mp4" not in media.format:
        return False
    return media.packets(int(stream["index"])) == 0


def _language(stream: dict[str, Any]) -> str:
    return str(stream.get("tags", {}).get("language", "und"))


def _rest(sent: Media, web: Media) -> Iterator[str]:
    before, after = sent.streams("subtitle"), web.streams("subtitle")
    if len(after) < len(before):
        yield f"{len(before) - len(after)} of {len(before)} subtitles"
    if Counter(map(_language, before)) - Counter(map(_language, after)):
        yield "languages of subtitles"
    if any(s.get("codec_name") in ("ass", "ssa") for s in before) and not any(
        s.get("codec_name") in ("ass", "ssa") for s in after
    ):
        yield "the styles of subtitles"
    for kind in ("data", "attachment"):
        had = [s for s in sent.streams(kind) if s.get("codec_tag_string") not in ("text",)]
        if len(web.streams(kind)) < len(had):
            names = (str(s.get("codec_tag_string") or s.get("codec_name")) for s in had)
            yield f"{kind} ({', '.join(names)})"
    chapters = [c.get("tags", {}).get("title", "") for c in sent.facts.get("chapters", ())]
    if [c.get("tags", {}).get("title", "") for c in web.facts.get("chapters", ())] != chapters:
        yield f"{len(chapters)} chapters"


def _tags(sent: Media, web: Media) -> Iterator[str]:
    had, has = _said(sent), _said(web)
    values = {_plain(value) for value in has.values()}
    for name, value in had.items():
        if _plain(value) not in values and value.strip() and value != "und":
            yield f"tag {name}"


def _said(media: Media) -> dict[str, str]:
    covers = media.streams("cover")
    streams = [stream for stream in media.facts.get("streams", []) if stream not in covers]
    sources = [media.facts.get("format", {}), *streams]
    return {
        str(name): str(value)
        for source in sources
        for name, value in source.get("tags", {}).items()
        if not _TECHNICAL.fullmatch(str(name))
    }


def _plain(value: str) -> str:
    """Return a value without what containers write differently: time zones, fractions, slashes."""
    return re.sub(r"(\.0+)?Z$|\.000000$|/$", "", value.strip().replace("T", " "))


def original_is_there(seen: Seen) -> bool:
    """Return whether the very bytes that were sent can be downloaded."""
    original = seen.renditions.get("original")
    return seen.is_as_sent or (original is not None and same_bytes(original.path, seen.sent.path))


def audit(seen: Seen) -> list[str]:
    """Return the faults: the original is gone and the web copy does not carry all of it."""
    if seen.web is None:
        return ["nothing can be had back"]
    if original_is_there(seen):
        return []
    if seen.sent.facts.get("streams") is None:
        return ["the original is gone, and nothing could be read of it"]
    gone = lost(seen.sent, seen.web)
    return [f"the original is gone, lost: {', '.join(gone)}"] if gone else []
