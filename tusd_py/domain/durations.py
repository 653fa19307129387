"""Defines lengths of time, in seconds, for settings and records."""

from typing import Final

DAY_SECONDS: Final = 86_400
WEEK_SECONDS: Final = 7 * DAY_SECONDS
YEAR_SECONDS: Final = 365 * DAY_SECONDS
