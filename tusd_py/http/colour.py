"""Makes a colour readable: WCAG 2.2, 1.4.3 demands a contrast of 4.5 of text to its ground."""

from typing import Final, TypeAlias

Rgb: TypeAlias = tuple[int, int, int]

LIGHT_GROUNDS: Final = ("#ffffff", "#f6f8fa")
DARK_GROUNDS: Final = ("#1a2027", "#0f1419")
"""Grounds of text in ``page/source/colours.css``."""
LEAST_CONTRAST: Final = 4.5
_STEPS: Final = 100


def readable_pair(colour: str) -> tuple[str, str]:
    """Return the colour for the light and for the dark theme, changed no more than is needed."""
    return (
        _mixed_until_readable(colour, (0, 0, 0), LIGHT_GROUNDS),
        _mixed_until_readable(colour, (255, 255, 255), DARK_GROUNDS),
    )


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    light, dark = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _mixed_until_readable(colour: str, end: Rgb, grounds: tuple[str, ...]) -> str:
    begin = _rgb(colour)
    for step in range(_STEPS + 1):
        mixed = "#" + "".join(
            f"{round(a + (b - a) * step / _STEPS):02x}" for a, b in zip(begin, end, strict=True)
        )
        if all(contrast(mixed, ground) >= LEAST_CONTRAST for ground in grounds):
            return mixed
    raise AssertionError("black and white are readable")


def _rgb(colour: str) -> Rgb:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(rgb: Rgb) -> float:
    """Return the relative luminance (WCAG 2.2, "relative luminance")."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in rgb)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
