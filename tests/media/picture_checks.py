"""What is expected of pictures."""

from collections.abc import Iterator
from typing import Final

from media.cases import Check
from media.measure import Seen, furthest
from media.scene import HEIGHT, SPOTS, WIDTH

COMMON: Final = {"image/jpeg", "image/png", "image/webp", "image/avif"}


def image(*, colours: int = 18, wide: bool = False) -> Check:
    """Expect that Chromium shows the web copy or a rendition upright and in its colours."""

    def check(seen: Seen) -> Iterator[str]:
        shown = {
            name: measured
            for name, measured in (seen.played or {}).items()
            if "error" not in measured
        }
        if not shown:
            yield "no browser shows it, and there is no rendition that one shows"
        for name, measured in shown.items():
            got = {spot: tuple(colour) for spot, colour in measured["spots"].items()}
            if measured["width"] * HEIGHT != measured["height"] * WIDTH and name in (
                "web",
                "original",
            ):
                yield f"{name}: {measured['width']}x{measured['height']}"
            wanted = {spot: colour for spot, (_, colour) in SPOTS.items()}
            if wide:
                # What a browser makes of Display P3's (192, 0, 0) and so on: it is beyond what sRGB
                # has.
                wanted = {
                    spot: colour for spot, colour in wanted.items() if spot.startswith("grey")
                }
                red = got["top left"]
                if red[0] < 196:
                    yield f"{name}: red of the wide gamut is {red}: taken for sRGB"
            far, sentence = furthest(got, wanted)
            if far > (colours if name in ("web", "original") else colours + 12):
                yield f"{name}: {sentence}"

    return check


def image_tags(mark: bytes) -> Check:
    """Expect these bytes in the web copy."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is not None and mark not in seen.web.path.read_bytes():
            yield f"{mark.decode()} is gone"

    return check


def common_picture() -> Check:
    """Expect that the web copy or a rendition has a type that every browser shows."""

    def check(seen: Seen) -> Iterator[str]:
        types = [str(each.facts.get("content_type", "")) for each in seen.renditions.values()]
        suffix = seen.web.path.suffix if seen.web else ""
        if suffix not in (".jpg", ".png", ".webp", ".avif", ".gif") and not COMMON & set(types):
            yield "no JPEG, PNG, WebP or AVIF of it"

    return check


def animated() -> Check:
    """Expect that the web copy has more than one frame."""

    def check(seen: Seen) -> Iterator[str]:
        if seen.web is None or seen.is_as_sent:
            return
        data = seen.web.path.read_bytes()
        if (
            b"ANMF" not in data
            and b"acTL" not in data
            and seen.web.frames.count < 2
            and b"avis" not in data[:64]
        ):
            yield "a still picture was made of it"

    return check
