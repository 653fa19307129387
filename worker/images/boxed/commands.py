"""Runs the commands ``look``, ``make``, ``check``, ``watermark`` and ``strip_webp``.

They read a picture's header, make its renditions, check these, draw a watermark, and remove tags.
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pyvips

from tusd_py.worker.images.boxed.marks import draw_mark
from tusd_py.worker.images.boxed.renditions import make_renditions
from tusd_py.worker.images.boxed.sources import Unreadable, open_source
from tusd_py.worker.images.boxed.webp_tags import strip_webp

Given = Mapping[str, Any]


def answer(given: Given) -> dict[str, Any]:
    """Run a command, and return its facts, or ``error`` with the cause of its failure."""
    try:
        return COMMANDS[given["command"]](given)
    except Unreadable as error:
        return {"error": error.reason}
    except MemoryError:
        return {"error": "memory"}
    except (pyvips.Error, OSError, ValueError, SyntaxError, EOFError) as error:
        # Pillow's plugins raise SyntaxError and EOFError for files that they can't read.
        return {"error": "memory" if "out of memory" in str(error) else "damaged"}


def _look(given: Given) -> dict[str, Any]:
    with closing(open_source(given["source"], given["kind"], given["max_pixels"])) as source:
        return source.facts()


def _make(given: Given) -> dict[str, Any]:
    with closing(open_source(given["source"], given["kind"], given["max_pixels"])) as source:
        return {"made": make_renditions(source, given["outputs"], given["mark"])}


def _check(given: Given) -> dict[str, Any]:
    """Decode the pictures that another run made."""
    found = {}
    for name, kind in given["files"].items():
        path = f"{given['source']}/{name}"
        with closing(open_source(path, kind, given["max_pixels"])) as source:
            source.decode()
            found[name] = source.facts()
    return {"found": found}


def _watermark(given: Given) -> dict[str, Any]:
    mark = draw_mark(given["mark"], given["width"], given["height"])
    mark.picture.save(given["output"], format="PNG")
    return {"x": mark.x, "y": mark.y, "width": mark.picture.width, "height": mark.picture.height}


def _strip_webp(given: Given) -> dict[str, Any]:
    strip_webp(Path(given["source"]), Path(given["output"]), everything=given["everything"])
    return {}


COMMANDS: Final[Mapping[str, Callable[[Given], dict[str, Any]]]] = {
    "look": _look,
    "make": _make,
    "check": _check,
    "watermark": _watermark,
    "strip_webp": _strip_webp,
}
