"""Checks the quota of one owner."""

from dataclasses import dataclass

from tusd_py.domain.errors import QuotaExceeded, TooManyFiles, TooManyUploads


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """Holds the limits of one owner; None: no limit."""

    open_uploads: int | None
    """Uploads that are not finished."""
    stored_bytes: int | None
    """Bytes of finished uploads, plus declared bytes of uploads in progress."""
    stored_files: int | None = None
    """Uploads, finished or not: an upload without bytes takes space in the database too."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Counts what an owner has: every upload that is not deleted, expired or rejected.

    Each counts by its length, or by its quota reservation while the length is deferred. Parts that
    a final upload of known length is made of count as that upload, once.
    """

    open_uploads: int
    stored_bytes: int
    stored_files: int


def check_quota(usage: Usage, quota: Quota) -> None:
    """Check all limits.

    Raises: TooManyUploads, TooManyFiles, QuotaExceeded: the usage is above a limit.
    """
    if quota.open_uploads is not None and usage.open_uploads > quota.open_uploads:
        raise TooManyUploads(quota.open_uploads)
    if quota.stored_files is not None and usage.stored_files > quota.stored_files:
        raise TooManyFiles(quota.stored_files)
    check_bytes(usage, quota)


def check_bytes(usage: Usage, quota: Quota) -> None:
    """Check the limit of bytes. Raises: QuotaExceeded: the usage is above the limit."""
    if quota.stored_bytes is not None and usage.stored_bytes > quota.stored_bytes:
        raise QuotaExceeded(quota.stored_bytes)
