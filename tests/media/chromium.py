"""What a real Chromium shows and plays, by playwright-core (``tests/node/media.mjs``)."""

import json
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from media.measure import Media, Seen, furthest
from media.scene import CORNERS, FLASH, SPOTS

NODE: Final = Path(__file__).parents[1] / "node"
SECONDS: Final = 900
RECORDED_SECONDS: Final = 6
COLOUR_STEPS: Final = 24
"""Chromium's own conversion rounds by a little more than ours."""


def record(path: Path, *types: str) -> dict[str, Any]:
    """Record the scene by MediaRecorder in the first of these types that Chromium offers.

    Returns: how many times the scene was drawn, and the type.
    """
    found: dict[str, Any] = {}
    for type_ in types:
        scene = {
            "spots": list(SPOTS.values()), "flash": FLASH, "seconds": RECORDED_SECONDS,
            "type": type_,
        }  # fmt: skip
        done = _node("record", str(path), json.dumps(scene))
        found = json.loads(done)
        if "error" not in found:
            return found
    raise RuntimeError(found["error"])


def play(files: Sequence[tuple[Path, str]], *, at: float = 1.2) -> dict[Path, dict[str, Any]]:
    """Show each file; the second member is its kind: ``film``, ``picture`` or ``sound``."""
    spots = {name: spot for name, (spot, _) in SPOTS.items()}
    wanted = [{"path": str(path), "kind": kind, "at": at, "spots": spots} for path, kind in files]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as listed:
        json.dump(wanted, listed)
        listed.flush()
        lines = _node("play", listed.name).splitlines()
    found = [json.loads(line) for line in lines]
    return {Path(each.pop("path")): each for each in found}


def _node(*arguments: str) -> str:
    done = subprocess.run(
        ["node", str(NODE / "media.mjs"), *arguments],
        capture_output=True, text=True, timeout=SECONDS, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return done.stdout


def film_faults(seen: Seen) -> Iterator[str]:
    """Compare what Chromium showed of the web copy with the scene."""
    measured = seen.played
    assert measured is not None
    assert seen.web is not None
    if "error" in measured:
        yield f"Chromium: {measured['error']}"
        return
    if measured["duration"] == "Infinity":
        yield "Chromium: no length, so it can't be sought"
    width, height = seen.web.display_size
    if abs(measured["width"] * height - measured["height"] * width) > max(width, height) * 4:
        yield f"Chromium: {measured['width']}x{measured['height']}, not {width}x{height}"
    spots = {name: tuple(colour) for name, colour in measured["spots"].items()}
    wanted = {
        name: colour for name, (_, colour) in (CORNERS if _is_hdr(seen.sent) else SPOTS).items()
    }
    far, sentence = furthest(spots, wanted)
    if far > (90 if _is_hdr(seen.sent) else COLOUR_STEPS):
        yield f"Chromium: {sentence}"
    if seen.sent.streams("audio") and seen.sent.sound is not None and not measured["soundBytes"]:
        yield "Chromium: no sound"


def _is_hdr(media: Media) -> bool:
    return media.shown.get("color_transfer") in ("smpte2084", "arib-std-b67")
