"""Reads sizes and durations as people write them: ``10GiB``, ``24h``."""

import math
import re
from typing import Final

from tusd_py.domain.durations import DAY_SECONDS

_SIZE_UNITS: Final = {
    "": 1, "b": 1,
    "k": 1 << 10, "kib": 1 << 10, "kb": 1000,
    "m": 1 << 20, "mib": 1 << 20, "mb": 1000**2,
    "g": 1 << 30, "gib": 1 << 30, "gb": 1000**3,
    "t": 1 << 40, "tib": 1 << 40, "tb": 1000**4,
}  # fmt: skip
_DURATION_UNITS: Final = {
    "": 1.0,
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": float(DAY_SECONDS),
}
_QUANTITY: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)")


def parse_size(value: object) -> object:
    """Return the bytes of ``10GiB``, ``500MB`` or a plain number. Raises: ValueError."""
    return _quantity(value, _SIZE_UNITS, "a size such as 10GiB", whole=True)


def parse_duration(value: object) -> object:
    """Return the seconds of ``24h``, ``500ms`` or a plain number. Raises: ValueError."""
    return _quantity(value, _DURATION_UNITS, "a duration such as 24h", whole=False)


def _quantity(
    value: object, units: dict[str, int] | dict[str, float], what: str, *, whole: bool
) -> object:
    if not isinstance(value, str):
        return value
    match = _QUANTITY.fullmatch(value.strip().lower())
    if match is None or match[2] not in units:
        raise ValueError(f"not {what}")
    amount = float(match[1]) * units[match[2]]
    if not math.isfinite(amount):
        raise ValueError(f"not {what}")
    return int(amount) if whole else amount
