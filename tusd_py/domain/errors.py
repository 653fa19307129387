"""Defines all errors of the project, without a status code of HTTP.

Rule 1: ``code`` is stable: clients and tests match on it, sentences may change.
Rule 2: the sentence is for the client; it never holds a path, a tool's output or a header's value.
Operators read the ``reason``, which no client gets.
Rule 3: only ``http/errors.py`` knows which HTTP status an error becomes.

The tree of errors:

- TusdError
  - ProtocolError
    - MalformedHeader
    - UnsupportedVersion
    - WrongContentType
    - UnsupportedContentEncoding
    - UnsupportedChecksumAlgorithm
    - InvalidConcatenation
    - MethodNotAllowed
    - ResourceNotFound
    - PreconditionFailed
  - UploadError
    - RenditionNotFound
    - ShareNotFound
    - ShareEnded
      - ShareUsedUp
    - UploadNotFound
    - UploadExpired
    - UploadTerminated
    - NotRetryable
    - AlreadyProcessing
    - OriginalMissing
    - OffsetMismatch
    - LengthExceeded
    - HashConflict
    - LengthConflict
    - UploadComplete
    - FinalUploadImmutable
    - PartialNotFinished
    - PartRemoved
    - ChecksumMismatch
    - HashMismatch
    - UploadLocked
    - UploadUnfinished
    - BodyTimeout
    - ClientDisconnected
  - PolicyError
    - Unauthenticated
      - TokenInvalid
      - TokenExpired
    - UploadTokenOnly
    - RoleMissing
    - OperatorLinkNeeded
    - HookRefused
    - MaxSizeExceeded
    - QuotaExceeded
    - TooManyRequests
    - TooManyUploads
    - TooManyFiles
    - TooManyParts
    - ArchiveTooLarge
    - TooManyArchives
    - TooManyStreams
    - TooManyShares
    - SharePasswordNeeded
      - SharePasswordWrong
    - MetadataTooLarge
    - TypeNotAllowed
    - ProfileNotAllowed
    - TypeMismatch
    - OriginNotAllowed
    - HostNotAllowed
    - TaskNotFound
  - BackendError
    - KeysUnavailable
    - LifespanMissing
    - HookUnavailable
    - ScannerUnavailable
    - StorageFull
    - StorageBusy
    - StorageDamaged
    - ShuttingDown
  - PipelineError
    - TransientError
    - OutOfResources
    - PermanentError
    - LeaseLost
"""

from typing import ClassVar


class TusdError(Exception):
    """Is the root of all errors of this project."""

    code: ClassVar[str] = "internal"
    sentence: ClassVar[str] = "Something went wrong on the server."

    def __init__(self, detail: str | None = None, *, reason: str = "") -> None:
        self.detail = detail or self.sentence
        self.reason = reason
        """Which service failed, at what address, and what it said; for operators, not clients."""
        super().__init__(self.detail)


# -- the request breaks a rule of the protocol


class ProtocolError(TusdError):
    """Raised when a request breaks a rule of the protocol; nothing was changed."""

    code = "malformed_request"
    sentence = "The request is malformed."


class MalformedHeader(ProtocolError):
    """Raised when a header field does not have the form its specification demands."""

    code = "malformed_header"
    sentence = "A header field is malformed."


class UnsupportedVersion(ProtocolError):
    """Raised when Tus-Resumable is missing or names a version other than 1.0.0."""

    code = "unsupported_version"
    sentence = "The header Tus-Resumable must be 1.0.0."


class WrongContentType(ProtocolError):
    """Raised when a body that should be appended is not application/offset+octet-stream."""

    code = "wrong_content_type"
    sentence = "The header Content-Type must be application/offset+octet-stream."


class UnsupportedContentEncoding(ProtocolError):
    """Raised when a body has a Content-Encoding: bytes are stored as sent, never unpacked."""

    code = "unsupported_content_encoding"
    sentence = "Content-Encoding is not supported; send the bytes as they are."


class UnsupportedChecksumAlgorithm(ProtocolError):
    """Raised when Upload-Checksum names an algorithm that is not announced."""

    code = "unsupported_checksum_algorithm"
    sentence = "The checksum algorithm is not one of those announced in Tus-Checksum-Algorithm."


class InvalidConcatenation(ProtocolError):
    """Raised when Upload-Concat is malformed or names something that is no partial upload."""

    code = "invalid_concatenation"
    sentence = "Upload-Concat must be partial, or final; followed by URLs of partial uploads."


class MethodNotAllowed(ProtocolError):
    """Raised when the resource does not have the method."""

    code = "method_not_allowed"
    sentence = "The method is not allowed here."

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed
        super().__init__(f"Allowed here: {', '.join(allowed)}.")


class ResourceNotFound(ProtocolError):
    """Raised when no resource of the server can have that address."""

    code = "not_found"
    sentence = "There is nothing at this address."


class PreconditionFailed(ProtocolError):
    """Raised when a condition of the request is false, so that nothing was done."""

    code = "precondition_failed"
    sentence = "A condition of the request is not met: the content is another one."


# -- the state of the upload does not allow it


class UploadError(TusdError):
    """Raised when the upload's state does not allow what was requested."""

    code = "upload_conflict"


class RenditionNotFound(UploadError):
    """Raised when a finished upload has no rendition of the name that a client requested."""

    code = "rendition_not_found"
    sentence = "The file has no rendition of this name."


class ShareNotFound(UploadError):
    """Raised when there is no such share, or none that the caller may see or open."""

    code = "share_not_found"
    sentence = "There is no such link."


class ShareEnded(UploadError):
    """Raised when a link that this server has made gives its file no longer."""

    code = "share_ended"
    sentence = "The link has ended: it expired, it was revoked, or its file was deleted."


class ShareUsedUp(ShareEnded):
    """Raised when a share has no downloads left for another receiver."""

    code = "share_used_up"
    sentence = "The link has no downloads left."


class UploadNotFound(UploadError):
    """Raised when there is no such upload, or none that the caller may access."""

    code = "upload_not_found"
    sentence = "There is no such upload."


class UploadExpired(UploadError):
    """Raised when the upload was removed, or is about to be, since no bytes came for too long."""

    code = "upload_expired"
    sentence = "The upload has expired."


class UploadTerminated(UploadError):
    """Raised when the upload was deleted by its owner."""

    code = "upload_terminated"
    sentence = "The upload has been terminated."


class NotRetryable(UploadError):
    """Raised when a retry is requested of what is no failure, or has no source any longer."""

    code = "not_retryable"
    sentence = "It is neither a failed job whose source is kept, nor a dead letter."


class AlreadyProcessing(UploadError):
    """Raised when a file that waits or is being processed is to be processed again."""

    code = "processing_already"
    sentence = "The file is waiting to be processed, or is being processed."


class OriginalMissing(UploadError):
    """Raised when a file is to be processed again, but the file as it was sent is not kept."""

    code = "original_missing"
    sentence = "The file as it was sent is not kept, so it can't be processed again."


class OffsetMismatch(UploadError):
    """Raised when Upload-Offset is not the current end. Nothing was written."""

    code = "offset_mismatch"

    def __init__(self, *, current: int, given: int) -> None:
        self.current = current
        self.given = given
        super().__init__(f"The offset is {current}, the request said {given}.")


class LengthExceeded(UploadError):
    """Raised when a body goes beyond the upload's length (bytes)."""

    code = "length_exceeded"
    sentence = "The body goes beyond the upload's length."

    def __init__(self, length: int) -> None:
        super().__init__(f"The body goes beyond the upload's length of {length} bytes.")


class HashConflict(UploadError):
    """Raised when another hash is declared for an upload than before."""

    code = "hash_conflict"
    sentence = "Another hash was declared for this upload before."


class LengthConflict(UploadError):
    """Raised when a length is declared twice, or below the current offset."""

    code = "length_conflict"
    sentence = "The upload's length can be declared once and not below its offset."


class UploadComplete(UploadError):
    """Raised when bytes are appended to a complete upload by the draft of the IETF."""

    code = "upload_complete"
    sentence = "The upload is complete: nothing can be appended."


class FinalUploadImmutable(UploadError):
    """Raised when a final upload of a concatenation is patched."""

    code = "final_upload_immutable"
    sentence = "A final upload can't be modified."


class PartialNotFinished(UploadError):
    """Raised when a part of a concatenation is unfinished and the store cannot wait for it."""

    code = "partial_not_finished"
    sentence = "A partial upload is not finished."


class PartRemoved(UploadError):
    """Raised when a part was deleted, expired or refused before its final upload was made of it."""

    code = "part_removed"
    sentence = "A part of this upload was removed, so it can't be completed."


class ChecksumMismatch(UploadError):
    """Raised when a chunk does not match Upload-Checksum. No byte of it was kept."""

    code = "checksum_mismatch"
    sentence = "The chunk does not match its checksum; nothing of it was kept."

    def __init__(self, *, offset: int) -> None:
        self.offset = offset
        super().__init__()


class HashMismatch(UploadError):
    """Raised when the file does not match its declared hash (requirement B1).

    Its bytes are dropped.
    """

    code = "hash_mismatch"
    sentence = "The file does not match the hash declared for it; it was dropped."


class UploadLocked(UploadError):
    """Raised when a newer request took the upload over, or when the lock was not free in time."""

    code = "upload_locked"
    sentence = "Another request holds the upload."


class UploadUnfinished(UploadError):
    """Raised when the bytes of an unfinished upload are requested."""

    code = "upload_unfinished"
    sentence = "The upload is not finished."


class BodyTimeout(UploadError):
    """Raised when a body is silent beyond ``idle_timeout``; the received bytes are kept."""

    code = "body_timeout"
    sentence = "The body was silent, or too slow, for too long."


class ClientDisconnected(UploadError):
    """Raised when the client disconnected within a body; the received bytes are kept."""

    code = "client_disconnected"
    sentence = "The client went away."


# -- a rule of this deployment does not allow it


class PolicyError(TusdError):
    """Raised when a rule of this deployment forbids the request."""

    code = "forbidden"
    sentence = "This deployment does not allow it."


class Unauthenticated(PolicyError):
    """Raised when a request without a user is sent to a resource that needs one."""

    code = "unauthenticated"
    sentence = "Say who is asking: the header Authorization must be Bearer and a token."


class TokenInvalid(Unauthenticated):
    """Raised when a token is not accepted.

    The client of a forged token does not learn the reason.
    """

    code = "token_invalid"
    sentence = "The token is not accepted."


class TokenExpired(Unauthenticated):
    """Raised when a genuine token is past its time."""

    code = "token_expired"
    sentence = "The token has expired."


class UploadTokenOnly(PolicyError):
    """Raised when an upload's token is used for something else than that upload."""

    code = "upload_token_only"
    sentence = "An upload token is good for its own upload only."


class RoleMissing(PolicyError):
    """Raised when only users with a role may do what was requested."""

    code = "role_missing"
    sentence = "That is for operators."

    def __init__(self, role: str) -> None:
        super().__init__(f"That is for users with the role {role}.")


class OperatorLinkNeeded(PolicyError):
    """Raised when no authentication is set, and the client has not opened a one-time link."""

    code = "operator_link_needed"
    sentence = (
        "Without authentication (auth) a one-time link must be opened first: the server prints one "
        "when it starts, and tusd-py admin-link prints another. A link works once, within a day."
    )


class HookRefused(PolicyError):
    """Raised when the application refuses an upload. Its sentence is shown to the user."""

    code = "hook_refused"
    sentence = "The application does not take this upload."

    def __init__(
        self,
        detail: str | None = None,
        *,
        status: int | None = None,
        body: tuple[str, str] | None = None,
    ) -> None:
        """Take the application's own answer.

        Args: status: status of HTTP from 400 to 599; None: the usual one. body: a media type and a
            text that the client gets in place of the usual body.
        """
        super().__init__(detail)
        self.status = status
        self.body = body


class MaxSizeExceeded(PolicyError):
    """Raised when an upload is larger than the limit (bytes)."""

    code = "max_size_exceeded"
    sentence = "The file is larger than the limit."

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"The file is larger than the limit of {limit} bytes.")


class QuotaExceeded(PolicyError):
    """Raised when an owner would have more bytes than the quota allows."""

    code = "quota_exceeded"
    sentence = "There is no room left for this file."

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"There is no room left for this file: all of yours may have {limit} bytes."
        )


class TooManyRequests(PolicyError):
    """Raised when a user sends more requests than are allowed."""

    code = "too_many_requests"
    sentence = "There were too many requests."

    def __init__(self, wait_seconds: float) -> None:
        self.wait_seconds = wait_seconds
        super().__init__()


class TooManyUploads(PolicyError):
    """Raised when an owner has as many unfinished uploads as are allowed."""

    code = "too_many_uploads"
    sentence = "There are too many unfinished uploads."

    def __init__(self, limit: int) -> None:
        super().__init__(f"There are {limit} unfinished uploads already; finish or delete one.")


class TooManyFiles(PolicyError):
    """Raised when an owner has as many uploads as are allowed, finished ones included."""

    code = "too_many_files"
    sentence = "There is no room left for another file."

    def __init__(self, limit: int) -> None:
        super().__init__(f"There are {limit} files already; delete one.")


class TooManyParts(PolicyError):
    """Raised when a final upload names more parts than are allowed."""

    code = "too_many_parts"
    sentence = "The final upload names too many parts."

    def __init__(self, limit: int) -> None:
        super().__init__(f"A final upload may name {limit} parts at most.")


class ArchiveTooLarge(PolicyError):
    """Raised when an archive would have more files than are allowed."""

    code = "archive_too_large"
    sentence = "The archive would have too many files."

    def __init__(self, limit: int) -> None:
        super().__init__(f"An archive may have {limit} files at most.")


class TooManyArchives(PolicyError):
    """Raised when a user downloads as many archives at the same time as are allowed."""

    code = "too_many_archives"
    sentence = "There are too many downloads of archives."

    def __init__(self, limit: int) -> None:
        super().__init__(f"There are {limit} downloads of archives already; wait for one to end.")


class TooManyStreams(PolicyError):
    """Raised when a user has as many streams open as are allowed."""

    code = "too_many_streams"
    sentence = "There are too many open streams."

    def __init__(self, limit: int) -> None:
        super().__init__(f"There are {limit} open streams already; close one.")


class TooManyShares(PolicyError):
    """Raised when a file has as many live links as are allowed."""

    code = "too_many_shares"
    sentence = "The file has too many links."

    def __init__(self, limit: int) -> None:
        super().__init__(f"The file has {limit} links already; revoke one.")


class SharePasswordNeeded(PolicyError):
    """Raised when a share is opened without its password."""

    code = "share_password_needed"
    sentence = "The link needs its password."


class SharePasswordWrong(SharePasswordNeeded):
    """Raised when a share is opened with a wrong password."""

    code = "share_password_wrong"
    sentence = "The password is wrong."


class MetadataTooLarge(PolicyError):
    """Raised when Upload-Metadata is over its limits."""

    code = "metadata_too_large"
    sentence = "Upload-Metadata is too large."


class TypeNotAllowed(PolicyError):
    """Raised when the file's type is not on the whitelist (requirement S3)."""

    code = "type_not_allowed"
    sentence = "The file type is not allowed."


class ProfileNotAllowed(PolicyError):
    """Raised when a client chooses a profile that the deployment does not offer."""

    code = "profile_not_allowed"
    sentence = "The metadata key profile names none that can be chosen here."


class TypeMismatch(PolicyError):
    """Raised when a file's content does not match its name or declared type."""

    code = "type_mismatch"
    sentence = "The file's content does not match its name."


class OriginNotAllowed(PolicyError):
    """Raised when a page of another site may not use the server."""

    code = "origin_not_allowed"
    sentence = (
        "Pages of this origin may not use the server: the setting cors.allow_origins must list it."
    )


class HostNotAllowed(PolicyError):
    """Raised when a request names a host that is not the server's, without authentication."""

    code = "host_not_allowed"
    sentence = (
        "The server does not answer to this host name: the setting allowed_hosts must list it, and "
        "each name that a proxy puts into Host, X-Forwarded-Host or Forwarded."
    )


class TaskNotFound(PolicyError):
    """Raised when there is no such task, or none that the caller may access (requirement S4)."""

    code = "task_not_found"
    sentence = "The task does not exist or has expired."


# -- a service that the server depends on fails


class BackendError(TusdError):
    """Raised when a service that the server depends on fails; a retry may succeed."""

    code = "backend_unavailable"
    sentence = "A part of the server is unavailable; try again later."


class KeysUnavailable(BackendError):
    """Raised when the keys that verify tokens could never be fetched."""

    code = "keys_unavailable"
    sentence = "Tokens can't be checked at the moment; try again later."


class LifespanMissing(BackendError):
    """Raised when the application is mounted in another one that does not run its lifespan."""

    code = "lifespan_missing"
    sentence = "The application around this one does not run its lifespan: see its documentation."


class HookUnavailable(BackendError):
    """Raised when the application that decides on uploads does not answer, or not as agreed."""

    code = "hook_unavailable"
    sentence = "The application does not answer. Try again."


class ScannerUnavailable(BackendError):
    """Raised when the virus scanner gives no verdict."""

    code = "scanner_unavailable"
    sentence = "The virus scanner can't be reached."


class StorageFull(BackendError):
    """Raised when the disk is full. Acknowledged bytes are kept."""

    code = "storage_full"
    sentence = "The server's storage is full."


class StorageBusy(BackendError):
    """Raised when the system has no file descriptor or memory left to reach the disk.

    Nothing was changed.
    """

    code = "storage_busy"
    sentence = "The server has too many files open; try again."


class StorageDamaged(BackendError):
    """Raised when the disk reported an error; the upload continues from what can still be read."""

    code = "storage_error"
    sentence = "The server's storage reported an error."


class ShuttingDown(BackendError):
    """Raised when the server stops within a request; the received bytes are kept."""

    code = "shutting_down"
    sentence = "The server is restarting; try again."


# -- the pipeline (worker)


class PipelineError(TusdError):
    """Raised by a step of the pipeline. ``message`` is what the task shows."""

    code = "pipeline_failed"
    sentence = "Processing failed."

    def __init__(
        self, detail: str | None = None, *, message: str | None = None, reason: str = ""
    ) -> None:
        super().__init__(detail, reason=reason)
        self.message = message or self.detail


class TransientError(PipelineError):
    """Raised when the step may succeed later: it is retried with backoff, and counted."""

    code = "transient"


class OutOfResources(PipelineError):
    """Raised when disk space or a service is missing: it is retried later, and not counted."""

    code = "resource_short"


class PermanentError(PipelineError):
    """Raised when the file itself is the cause: the task fails at once."""

    code = "permanent"

    def __init__(
        self, detail: str | None = None, *, code: str | None = None, message: str | None = None
    ) -> None:
        super().__init__(detail, message=message)
        self.reason_code = code or type(self).code


class LeaseLost(PipelineError):
    """Raised when another attempt holds the job: this one stops and publishes nothing."""

    code = "lease_lost"
    sentence = "Another worker has taken the job over."
