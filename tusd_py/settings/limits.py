"""Sets the limits of users and of connections."""

from typing import Final

from pydantic import Field

from tusd_py.domain.quota import Quota
from tusd_py.domain.rate import Rate, UserRates
from tusd_py.settings.section import Section
from tusd_py.settings.values import (
    Duration,
    Size,
)

BYTES_OF_A_FILE: Final = 64 << 10
"""Bytes of a quota for which it allows one file, which needs up to 22 KiB of the database."""
FEWEST_FILES: Final = 1000
"""A quota of bytes allows at least this number of files."""


class LimitSettings(Section):
    """Sets what one user may have, and what the disk must keep free; 0: no limit."""

    open_uploads: int = Field(0, ge=0, description="Number of unfinished uploads of one user")
    stored_bytes: Size = Field(
        0, description="Bytes of all uploads of one user, finished, or declared and unfinished"
    )
    stored_files: int = Field(
        0,
        ge=0,
        description=(
            "Number of uploads of one user, finished or not, also empty ones; 0: if "
            "limits.stored_bytes is set, one for each 64 KiB of it and at least 1000, otherwise "
            "no limit"
        ),
    )
    requests: int = Field(
        0,
        ge=0,
        description=(
            "Creations of uploads and requests about tasks by one user within limits.window; HEAD, "
            "PATCH, DELETE and GET of uploads are not counted"
        ),
    )
    window: Duration = Field(60.0, gt=0, description="Period in which limits.requests are counted")
    bytes_per_second: Size = Field(
        0, description="Highest rate of one user's bytes, in all uploads and servers together"
    )
    streams: int = Field(
        20,
        ge=0,
        description=(
            "Streams (Server-Sent Events and WebSocket) that one user may have open at each "
            "server, in all its processes together; not applied without auth, where all clients "
            "are the same user"
        ),
    )
    disk_reserve: Size = Field(
        64 << 20,
        description=(
            "Free space of the disk that uploads never use: new uploads are refused and bodies "
            "end before less is free (507). A quarter of it, at most 8 MiB, is kept in files for "
            "the databases, so that files can be deleted from a full disk"
        ),
    )

    reprocessed_files: int = Field(
        20,
        ge=0,
        description=(
            "Number of files that one user may process again within a day; there is no limit for "
            "operators"
        ),
    )
    parts: int = Field(
        1000,
        ge=1,
        description=(
            "Number of parts of a final upload (Upload-Concat); one with more is refused (413)"
        ),
    )

    archive_files: int = Field(
        10_000,
        ge=1,
        description="Number of files of one zip archive; one with more is refused (413)",
    )

    archives: int = Field(
        8,
        ge=0,
        description=(
            "Zip archives that one user may download at the same time at each server, in all its "
            "processes together; without auth all clients are the same user"
        ),
    )

    def rates(self) -> UserRates:
        """Return the rates of one user."""
        return UserRates(
            requests=Rate(self.requests, self.window) if self.requests else None,
            bytes=Rate(self.bytes_per_second, 1.0) if self.bytes_per_second else None,
        )

    def quota(self) -> Quota | None:
        """Return the limits of one owner; None if there are none."""
        files = self.stored_files
        if self.stored_bytes and not files:
            files = max(FEWEST_FILES, self.stored_bytes // BYTES_OF_A_FILE)
        if not self.open_uploads and not files:
            return None
        return Quota(
            open_uploads=self.open_uploads or None,
            stored_bytes=self.stored_bytes or None,
            stored_files=files or None,
        )


class ConnectionSettings(Section):
    """Limits connections: their number, and what each may send before a request is complete."""

    total: int = Field(
        0,
        ge=0,
        description=(
            "Number of connections at the same time, in all processes together. The limit of open "
            "files (RLIMIT_NOFILE) applies too; 0: as many as it allows, 4096 at most. For a "
            "connection beyond the number, one that has sent no complete request is closed"
        ),
    )
    per_address: int = Field(
        256,
        ge=0,
        description=(
            "Number of connections of one address (IPv6: of one /64 network) at the same time. It "
            "does not apply to loopback, nor with behind_proxy; 0: no limit"
        ),
    )
    pipelined: int = Field(
        32,
        ge=0,
        description=(
            "Number of requests that may wait on one connection for the answer to an earlier one"
        ),
    )
    head_bytes: Size = Field(
        64 << 10,
        ge=1024,
        description="Longest head of a request: request line and header fields (431)",
    )
    target_bytes: Size = Field(8 << 10, ge=64, description="Longest target of a request (414)")
    fields: int = Field(
        100,
        ge=8,
        description="Number of header fields of one request, and of trailers of one request (431)",
    )
    trailer_bytes: Size = Field(
        8 << 10,
        description=(
            "Size of all trailers of one request together, or of one chunk's extensions (431)"
        ),
    )
    head_timeout: Duration = Field(
        20.0,
        gt=0,
        description=(
            "Time in which a head must be complete, from the opening of the connection, or from "
            "its first byte on a connection that was used before (408)"
        ),
    )
    idle_timeout: Duration = Field(
        65.0,
        gt=0,
        description=(
            "Time without a request after which a connection is closed; it is longer than the 60 "
            "s for which nginx keeps one open"
        ),
    )
    send_timeout: Duration = Field(
        60.0,
        gt=0,
        description=(
            "Time after which a connection is closed whose client reads nothing of an answer, or "
            "less than min_rate"
        ),
    )
