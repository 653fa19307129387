"""Sets what links for receivers may be."""

from pydantic import Field

from tusd_py.domain.durations import YEAR_SECONDS
from tusd_py.settings.section import Section
from tusd_py.settings.values import Duration


class ShareSettings(Section):
    """Limits the links by which receivers without an account get a file."""

    longest: Duration = Field(
        float(YEAR_SECONDS),
        ge=1,
        le=YEAR_SECONDS,
        description=(
            "Longest validity of a link, a year at most; a link for which none is requested is "
            "valid for a week, or for this time if it is shorter"
        ),
    )
    per_file: int = Field(20, ge=1, description="Number of links that one file may have")
