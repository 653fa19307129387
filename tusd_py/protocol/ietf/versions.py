"""Lists the versions of the draft that are accepted, and what each has in other words.

A client names its version in Upload-Draft-Interop-Version. A client of the later RFC names none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from tusd_py.protocol.fields import Fields
from tusd_py.protocol.ietf.structured import boolean, boolean_text, integer

VERSION_FIELD: Final = "Upload-Draft-Interop-Version"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Holds what a version of the draft says otherwise than others."""

    number: int | None
    """Interop version; None: the client named none that is known, and never gets a 104."""
    completeness_field: str = "Upload-Incomplete"
    says_incomplete: bool = True
    """Whether true means incomplete in that field."""
    without_completeness: Literal["completes", "by length", "refused"] = "completes"
    """What an append means that does not say whether the upload is complete with it."""
    progress: bool = False
    """Whether a 104 may tell an offset."""
    typed: bool = False
    """Whether the content of an append must have the type application/partial-upload."""
    lifetime: Literal["expires", "max-age"] | None = None
    """Name of the seconds that an upload has left, in Upload-Limit; None: there are no limits."""
    appended: int = 201
    """Status of an append that does not complete the upload."""
    offset_refused: bool = True
    """Whether HEAD and DELETE with Upload-Offset are malformed."""
    overrun_ends: bool = False
    """Whether content beyond the length ends the upload."""
    repeats: bool = False
    """Whether the end of a complete upload may be sent again, to have its answer again."""
    offset_by_get: bool = False
    """Whether GET tells the offset of an incomplete upload, as HEAD does."""

    def completes(self, fields: Fields) -> bool | None:
        """Return what the request says of completeness; None: nothing that is valid."""
        return self.completeness_in(fields.joined(self.completeness_field))

    def completeness_in(self, text: str | None) -> bool | None:
        """Return what a value of the field says of completeness; None: nothing that is valid."""
        said = boolean(text)
        return None if said is None else said is not self.says_incomplete

    def completeness(self, *, complete: bool) -> dict[str, str]:
        """Return the field that tells whether an upload is complete."""
        return {self.completeness_field: boolean_text(complete is not self.says_incomplete)}

    def own_fields(self) -> dict[str, str]:
        """Return the field that names the version in an answer."""
        return {} if self.number is None else {VERSION_FIELD: str(self.number)}


_3: Final = Version(number=3)
_4: Final = replace(
    _3,
    number=4,
    completeness_field="Upload-Complete",
    says_incomplete=False,
    without_completeness="by length",
)
_5: Final = replace(_4, number=5, progress=True)
_6: Final = replace(_5, number=6, typed=True, lifetime="expires")
_7: Final = replace(
    _6,
    number=7,
    without_completeness="refused",
    lifetime="max-age",
    appended=204,
    offset_refused=False,
)
_8: Final = replace(_7, number=8, overrun_ends=True)
_9: Final = replace(_8, number=9, repeats=True, offset_by_get=True)
_10: Final = replace(_9, number=10)

VERSIONS: Final[Mapping[int, Version]] = {
    version.number: version
    for version in (_3, _4, _5, _6, _7, _8, _9, _10)
    if version.number is not None
}
"""The accepted versions."""
UNNAMED: Final = replace(_10, number=None)
"""What is spoken with a client that names no accepted version."""


def version_of(fields: Fields) -> Version:
    """Return the version that a request is made in."""
    number = integer(fields.joined(VERSION_FIELD))
    return UNNAMED if number is None else VERSIONS.get(number, UNNAMED)
