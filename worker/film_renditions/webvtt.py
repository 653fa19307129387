"""Writes WebVTT (https://www.w3.org/TR/webvtt1/), and reads subtitle files strictly as WebVTT."""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

MEDIA_TYPE: Final = "text/vtt"
EXT: Final = ".vtt"
_TIME: Final = r"((?:[0-9]{2,4}:)?[0-5][0-9]:[0-5][0-9]\.[0-9]{3})"
_TIMING: Final = re.compile(rf"{_TIME}[ \t]+-->[ \t]+{_TIME}(?:[ \t].*)?")
_TAG: Final = re.compile(r"<(/?)([A-Za-z0-9][^<>]*)>")
_KEPT_TAGS: Final = ("b", "i", "u")
_OTHER_BLOCKS: Final = ("NOTE", "STYLE", "REGION")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Cue:
    """Holds a piece of text and the times when it is shown, as WebVTT timestamps."""

    start: str
    end: str
    text: str


def timestamp(seconds: float) -> str:
    """Return a position as WebVTT writes it: ``00:01:02.500``."""
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"


def write(cues: Iterable[Cue]) -> str:
    """Return a file that holds the cues and nothing else."""
    blocks = (f"{cue.start} --> {cue.end}\n{cue.text}\n" for cue in cues)
    return "\n".join(("WEBVTT\n", *blocks))


def read(content: bytes) -> tuple[Cue, ...]:
    """Return the cues of a file. Bold, italic and underlined are the only markup in their texts.

    Styles, regions, notes and positions of cues are left out.
    Raises: ValueError: the content is no WebVTT in UTF-8.
    """
    text = content.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    first, _, rest = text.partition("\n")
    if first != "WEBVTT" and not first.startswith(("WEBVTT ", "WEBVTT\t")):
        raise ValueError("no WebVTT")
    return tuple(_cues(rest))


def _cues(text: str) -> Iterator[Cue]:
    shown: Cue | None = None
    texts: list[str] = []
    for block in re.split(r"\n{2,}", text.strip("\n")):
        if block.startswith(_OTHER_BLOCKS):
            continue
        cue = _cue(block)
        if cue is not None:
            yield from _with_text(shown, texts)
            shown, texts = cue, [cue.text]
        elif shown is not None:
            # The text itself had an empty line.
            texts.append(_plain(block))
    yield from _with_text(shown, texts)


def _with_text(cue: Cue | None, texts: Sequence[str]) -> Iterator[Cue]:
    """Yield the cue with its texts on separate lines, if there is any text."""
    text = "\n".join(texts)
    if cue is not None and text.strip():
        yield replace(cue, text=text)


def _cue(block: str) -> Cue | None:
    """Return the cue of a block.

    Its times are in the first line, or in the second one after an identifier.
    """
    lines = block.split("\n")
    for number, line in enumerate(lines[:2]):
        timing = _TIMING.fullmatch(line)
        if timing is not None:
            return Cue(timing[1], timing[2], _plain("\n".join(lines[number + 1 :])))
    return None


def _plain(text: str) -> str:
    """Return a cue's text without other tags and with markup characters escaped."""
    pieces = []
    end = 0
    for tag in _TAG.finditer(text):
        pieces.append(_escaped(text[end : tag.start()]))
        if tag[2] in _KEPT_TAGS:
            pieces.append(tag[0])
        end = tag.end()
    pieces.append(_escaped(text[end:]))
    return "".join(pieces)


def _escaped(text: str) -> str:
    return html.escape(html.unescape(_CONTROLS.sub("", text)), quote=False)
