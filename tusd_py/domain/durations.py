"""Lengths of time that settings and records are given in. In seconds."""

from typing import Final

DAY_SECONDS: Final = 86_400
WEEK_SECONDS: Final = 7 * DAY_SECONDS
