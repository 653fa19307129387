"""Define the options of both clients."""

import mimetypes
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tusd_py.bounded_http import IDENTITY
from tusd_py.client.file_upload import (
    Contact,
    FileUpload,
    Progress,
    RetryPolicy,
    Sleep,
    UploadPlan,
)
from tusd_py.client.origin import OriginHeaders, checked_access
from tusd_py.client.resumable import ResumableProtocol
from tusd_py.client.resume_store import ResumeStore, state_dir
from tusd_py.client.tus import Tus


def ignore_pause(_pause: Sleep) -> None:
    """Ignore a pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of a client."""

    protocol: ResumableProtocol = field(default_factory=Tus)
    """How files are sent: ``Tus`` or ``IetfDraft``. What one began, the other continues."""
    retries: int = 12
    """Failures in a row, without a byte between them, before the client gives up."""
    retries_at_first: int = 0
    """Failures in a row while the server has never answered this client.

    A wrong host name or certificate is not retried then, whatever the number.
    """
    chunk_bytes: int | None = None
    """The size of a PATCH; None: the whole rest of the file."""
    longest_pause: float = 30.0
    """Seconds; pauses after failures double up to it."""
    resume_store: ResumeStore = field(default_factory=lambda: ResumeStore(state_dir()))
    """Keeps incomplete uploads, so that another run continues them."""
    timeout: httpx.Timeout = field(default_factory=lambda: httpx.Timeout(90.0, connect=10.0))
    verify: ssl.SSLContext | bool = True
    """How httpx checks the server's certificate."""
    on_pause: Callable[[Sleep], None] = ignore_pause
    """Called before each pause after a failure."""

    @staticmethod
    def endpoint(text: str, token: str | None) -> tuple[str, OriginHeaders]:
        """Return the address of the endpoint, and the headers of every request to its origin.

        Raises: as ``checked_access``.
        """
        address, authorization = checked_access(text, token)
        return address, OriginHeaders(address, {**IDENTITY, **authorization})

    def retry_policy(self, contact: Contact) -> RetryPolicy:
        """Return the retry policy for one file."""
        return RetryPolicy(
            retries=self.retries,
            longest_pause=self.longest_pause,
            retries_at_first=self.retries_at_first,
            contact=contact,
        )

    def plan(
        self,
        file: Path,
        endpoint: str,
        metadata: Mapping[str, str] | None,
        contact: Contact,
        *,
        instant: bool,
        progress: Progress,
        hashed: Progress,
    ) -> UploadPlan:
        """Return the plan of an upload, whose steps read and, with ``instant``, hash the file."""
        members = {
            "filename": file.name,
            "filetype": mimetypes.guess_type(file.name)[0] or "",
            **(metadata or {}),
        }
        return FileUpload(
            file=file,
            endpoint=endpoint,
            protocol=self.protocol,
            metadata={key: value for key, value in members.items() if value},
            resume_store=self.resume_store,
            progress=progress,
            retry_policy=self.retry_policy(contact),
            chunk_bytes=self.chunk_bytes,
            instant=instant,
            hashed=hashed,
        ).plan()
