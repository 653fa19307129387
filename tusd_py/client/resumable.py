"""Define what a protocol of resumable uploads does for the client: requests, and their answers.

Nothing here sends. The plans of uploads decide what is sent when, and what is repeated.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

from tusd_py.client.errors import Refused, TransientFailure
from tusd_py.client.messages import FileRange, Request, Response
from tusd_py.client.resume_store import SavedUpload

NO_FIELDS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Standing:
    """How far an upload is: its offset in bytes, and whether the server has ended it."""

    offset: int
    complete: bool

    def check_progress(self, offset: int) -> None:
        """Check the standing after a request at ``offset``. Raises: TransientFailure."""
        if not self.complete and self.offset <= offset:
            raise TransientFailure("the server accepted none of the bytes that were sent")


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedUpload:
    """Describes an upload that was created."""

    saved: SavedUpload
    standing: Standing
    instant: bool = False
    """Whether the server held the content, so that nothing is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of a server, in bytes. None: there is none."""

    max_size: int | None = None
    min_size: int = 0
    max_append: int | None = None
    """The most that one request may send."""
    min_append: int = 0
    """The least that one request must send if the upload is not complete with it."""

    def check(self, size: int) -> None:
        """Check the size of a file. Raises: Refused: the server would not take it."""
        if self.max_size is not None and size > self.max_size:
            raise Refused(
                f"the file has {size} bytes, and the server takes at most {self.max_size}"
            )
        if size < self.min_size:
            raise Refused(
                f"the file has {size} bytes, and the server takes no fewer than {self.min_size}"
            )

    def piece_bytes(self, wanted: int) -> int:
        """Return how much one request sends if ``wanted`` bytes are to be sent."""
        wanted = max(wanted, self.min_append, 1)
        return wanted if self.max_append is None else min(wanted, max(self.max_append, 1))


class ResumableProtocol(Protocol):
    """Builds the requests of uploads, and reads the answers.

    A reader of answers raises TransientFailure if a later try may succeed, and Refused if it will
    not. ``size`` is that of the file in bytes; None: it is not known yet.
    """

    def limits_request(self, endpoint: str) -> Request:
        """Return the request for the limits of the server."""
        ...

    def limits(self, answer: Response) -> Limits:
        """Return the limits that an answer states, whatever it answers."""
        ...

    def creation(
        self, endpoint: str, size: int | None, metadata: Mapping[str, str], *, instant: bool
    ) -> Request:
        """Return the request that creates an upload.

        Args: instant: the metadata have the hash of the file; the server may answer that it holds
            the content.
        """
        ...

    def created(self, answer: Response, endpoint: str, size: int | None) -> CreatedUpload:
        """Return the upload that was created."""
        ...

    def offset_request(self, saved: SavedUpload) -> Request:
        """Return the request for the standing of an upload."""
        ...

    def found(self, answer: Response, size: int | None) -> Standing:
        """Return the standing that was requested."""
        ...

    def append(
        self,
        saved: SavedUpload,
        offset: int,
        body: FileRange | bytes,
        *,
        last: bool,
        more: Mapping[str, str] = NO_FIELDS,
    ) -> Request:
        """Return the request that sends bytes from ``offset`` on.

        Args: last: the file ends with them; more: further header fields.
        """
        ...

    def appended(self, answer: Response, end: int, *, last: bool, size: int | None) -> Standing:
        """Return the standing after an append. Args: end: the offset behind what was sent."""
        ...
