"""The words of each interop version of the draft, in one table.

The draft changed fields, statuses and media types on its way. A request in the words of a version
is what a client of that version sends; the client of the RFC sends no version at all.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tusprobe.raw import Headers, RawResponse

PARTIAL_UPLOAD = "application/partial-upload"
VERSION_FIELD = "Upload-Draft-Interop-Version"
UNVERSIONED = 1000
"""The place of the RFC's client in ranges of versions: behind every draft."""
_BOOLEAN = re.compile(r"\?([01])(?:;.*)?")


@dataclass(frozen=True)
class Words:
    """What one version of the draft says."""

    version: int
    #: The field that says whether the representation is complete; interop 3 says the opposite.
    completeness: str = "Upload-Complete"
    inverted: bool = False
    #: The media type of an append, where the draft wants one.
    append_type: str | None = PARTIAL_UPLOAD
    #: The member of Upload-Limit with the seconds that an upload has left.
    lifetime: str = "max-age"
    #: The status of an append that does not complete the upload.
    appended: int = 204

    @property
    def name(self) -> str:
        return "none" if self.version == UNVERSIONED else str(self.version)

    @property
    def identity(self) -> Headers:
        """Return the field that names the version; no field for the client of the RFC."""
        return [] if self.version == UNVERSIONED else [(VERSION_FIELD, self.name)]

    def complete(self, value: bool) -> Headers:
        """Return the field that says whether the request ends the representation."""
        return [(self.completeness, "?1" if value != self.inverted else "?0")]

    def completeness_of(self, response: RawResponse) -> bool | None:
        """Return what an answer says of completeness; None where it says nothing valid."""
        match = _BOOLEAN.fullmatch(response.get(self.completeness) or "")
        return None if match is None else (match[1] == "1") != self.inverted


_TABLE = (
    Words(3, "Upload-Incomplete", inverted=True, append_type=None, lifetime="", appended=201),
    Words(4, append_type=None, lifetime="", appended=201),
    Words(5, append_type=None, lifetime="", appended=201),
    Words(6, lifetime="expires", appended=201),
    Words(7),
    Words(8),
    Words(9),
    Words(10),
    Words(UNVERSIONED),
)
WORDS = {words.name: words for words in _TABLE}
