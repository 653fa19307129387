"""Writes one body into the file of its upload, its running hash and the checksum of the chunk."""

import hmac
from collections.abc import Sequence
from dataclasses import replace

from tusd_py.catalog.port import Repositories
from tusd_py.catalog.values import Finished
from tusd_py.chunks import first_bytes
from tusd_py.domain.commands import Checksum, LateChecksum
from tusd_py.domain.errors import (
    ChecksumMismatch,
    LengthConflict,
    ProtocolError,
    QuotaExceeded,
)
from tusd_py.domain.signatures.head_reader import HEAD_BYTES, HeadReader
from tusd_py.domain.type_rules import check_content
from tusd_py.domain.upload import FinishedContent, Upload, UploadKind, UploadProtocol
from tusd_py.storage import checksums
from tusd_py.storage.port import ChunkVerification, Writer
from tusd_py.storage.running_hash import RunningHash
from tusd_py.uploads.body import DrainEnd, DrainResult
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.programs import Program, commit, fsync
from tusd_py.uploads.quota_reservation import QuotaReservation


class WriteSession:
    """Writes one body into its upload.

    Its methods block. They are called in threads, one at a time, under the upload's lock: ``open``,
    then ``write`` for each slice, then ``finish_body_program`` or ``abort``.
    """

    def __init__(
        self,
        context: UploadContext,
        upload: Upload,
        checksum: Checksum | LateChecksum | None,
        *,
        new: bool = False,
        completes: bool | None = None,
    ) -> None:
        """Describe the session; nothing is opened yet.

        Args: checksum: of the body. new: whether ``open`` creates the upload's file. completes: see
            ``Append.completes``.
        """
        self._context = context
        self._allowed = context.policy.allowed_extensions
        self._first_bytes = b""
        """The first bytes, if one chunk brought them."""
        self._new = new
        self._completes = completes
        self._by_length = completes is None or upload.protocol is UploadProtocol.TUS
        """Whether the upload is complete when it has all bytes, whatever the client says."""
        self._is_last = False
        """Whether the client said that this body is the last one, and it arrived to its end."""
        self._verification = context.stores.verification if checksum is not None else None
        self._checksum = checksum
        self._digest = checksums.new(checksum.algorithm) if isinstance(checksum, Checksum) else None
        limit = context.policy.limit_of_reservation(upload)
        self._reservation = None if limit is None else QuotaReservation(context, upload, limit)
        self.registered = not new
        """Whether the catalog has a row of the upload. ``register`` counts the bytes before it."""
        self.upload = upload
        self.was_opened = False
        self.is_open = False
        self.start_offset = 0
        self.verified = True
        """False once the checksum of the chunk does not match."""

    def open(self) -> None:
        """Open the upload's file at its end, or create it.

        A chunk that has a checksum is marked as unverified before its first byte.
        Raises: UploadNotFound, StorageFull, StorageDamaged.
        """
        store = self._context.stores.uploads
        open_writer = store.begin if self._new else store.writer
        self._writer: Writer = open_writer(self.upload.id, length=self.upload.length)
        self._running_hash: RunningHash = self._context.running_hash(self.upload)
        self.is_open = True
        self.start_offset = self._writer.offset
        # Under a white list a file's type is checked by its first bytes, and at its end. A part has
        # no beginning of its own: it may begin anywhere in its file, whatever its metadata name.
        is_part = self.upload.kind is UploadKind.PARTIAL
        self._head_is_checked = is_part or self.start_offset >= HEAD_BYTES or not self._allowed
        try:
            if self._verification is not None:
                self._verification.begin_chunk(self._writer)
                self._running_hash.savepoint()
        except BaseException:
            self.close()
            raise
        self.was_opened = True

    def register(self, catalog: Repositories) -> None:
        """Record a new upload. Raises: TooManyUploads, TooManyFiles, QuotaExceeded."""
        self.registered = False  # A batch may run this a second time, and then it may fail.
        upload = self.upload
        if upload.length is None:
            upload = replace(upload, granted=self.offset)
        catalog.uploads.add(upload, self._context.policy.quota)
        self.registered = True

    def register_finished(
        self, catalog: Repositories, content: FinishedContent, *, is_video: bool
    ) -> Finished:
        """Record a new upload that is complete, and finish it. Raises: what ``register`` raises."""
        self.registered = False
        finished = catalog.uploads.add_finished(
            self.upload, content, is_video=is_video, quota=self._context.policy.quota
        )
        self.registered = True
        return finished

    @property
    def offset(self) -> int:
        """Number of bytes in the store, with those that are not verified yet."""
        return self._writer.offset

    @property
    def is_complete(self) -> bool:
        """Whether the upload's last byte is in the store, and counts."""
        full = self.verified and self.offset == self.upload.length
        return full and (self._by_length or self._is_last)

    def check_end(self) -> None:
        """Check a body that arrived to its end.

        Raises: ChecksumMismatch; LengthConflict: the last body ends before the upload's length.
        """
        if not self.verified:
            raise ChecksumMismatch(offset=self.start_offset)
        if self._is_last and self.offset != self.upload.length:
            raise LengthConflict("The last body ends before the upload's length.")

    @property
    def counts_at_once(self) -> bool:
        """Whether bytes are as durable when they are written as after the answer.

        Those of a body that may still be verified or be found too long are not.
        """
        may_go = self._verification is not None or self._by_length
        return not may_go and self._context.policy.durability != "strict"

    @property
    def unhashed_bytes(self) -> int:
        """Number of bytes in the store that this process has not hashed."""
        return self.offset - self._running_hash.hashed

    @property
    def _counted(self) -> QuotaReservation | None:
        """The reservation that counts the bytes as they come; None if they need none."""
        return self._reservation if self.registered else None

    def reserve_program(self, size: int) -> Program[None]:
        """Reserve quota for a body of ``size`` bytes that has arrived as a whole."""
        reservation = self._counted
        if reservation is not None:
            yield from commit(
                lambda catalog: reservation.cover(self.offset + size, ahead=0, catalog=catalog)
            )

    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        """Write bytes to the file first, then to the hash, since the file is the truth.

        Raises: StorageFull, StorageDamaged, TypeMismatch; QuotaExceeded: the bytes before the limit
            are kept.
        """
        start, excess = self._writer.offset, None
        reservation = self._counted
        if reservation is not None:
            end = start + sum(len(chunk) for chunk in chunks)
            allowed_end = reservation.cover(end)
            if allowed_end < end:
                chunks = first_bytes(chunks, allowed_end - start)
                excess = QuotaExceeded(reservation.limit)
        if not start and len(chunks) == 1:
            self._first_bytes = bytes(chunks[0][:HEAD_BYTES])
        self._writer.write(chunks)
        self._running_hash.update(start, chunks)
        if self._digest is not None:
            for chunk in chunks:
                self._digest.update(chunk)
        if not self._head_is_checked and self._writer.offset >= HEAD_BYTES:
            self._head_is_checked = True
            check_content(self.upload.filename, HeadReader(self.first_bytes()), self._allowed)
        if excess is not None:
            raise excess

    def first_bytes(self) -> bytes:
        """Return the first bytes of the file: 64 KiB, or all if there are fewer."""
        if len(self._first_bytes) == min(self.offset, HEAD_BYTES):
            return self._first_bytes
        return self._context.read_bytes(self.upload.id, 0, HEAD_BYTES)

    def finish_body_program(self, drained: DrainResult) -> Program[None]:
        """Verify the body after its last byte, make it durable as the policy demands, and close it.

        Raises: StorageDamaged; ProtocolError: the checksum that must follow the body is missing or
            invalid: the body does not count.
        """
        try:
            if drained.end is DrainEnd.TOO_LONG and self._by_length:
                self._forget_body()
            self._verify(complete=drained.end is DrainEnd.COMPLETE)
            self._note_last(drained)
            durability = self._context.policy.durability
            if durability == "strict" or (
                durability == "finish" and self.is_complete and drained.end is not DrainEnd.TOO_LONG
            ):
                self._writer.start_writeback()
                yield from fsync(self._writer.sync)
        finally:
            self.close()
        reservation, offset = self._counted, self.offset
        if reservation is not None and reservation.size != offset:
            yield from commit(lambda catalog: reservation.settle(offset, catalog))

    def abort(self) -> None:
        """Roll back what is not verified, and close the session. It is called after an error."""
        try:
            self._verify(complete=False)
        finally:
            self.close()
            if self._counted is not None:
                self._counted.settle(self.offset)

    def close(self) -> None:
        """Close the upload's file, and let its hash forget what is not verified. Idempotent."""
        self._writer.close()
        self._running_hash.rollback()
        self.is_open = False

    def _note_last(self, drained: DrainResult) -> None:
        """Note whether the upload ends with this body, which then also sets an unknown length."""
        self._is_last = bool(self._completes) and drained.end is DrainEnd.COMPLETE
        if self._is_last and self.upload.length is None:
            self.upload = replace(self.upload, length=self.offset)

    def _forget_body(self) -> None:
        """Remove a body that is too long, since its prefix would pass for the whole file."""
        self._writer.truncate(self.start_offset)
        self._context.running_hashes.drop(self.upload.id)

    def _verify(self, *, complete: bool) -> None:
        if self._verification is None:
            return
        try:
            self.verified = complete and self._matches()
        except ProtocolError:
            self._roll_back(self._verification)
            raise
        if self.verified:
            self._verification.commit_chunk(self._writer)
            self._running_hash.commit()
        else:
            self._roll_back(self._verification)

    def _matches(self) -> bool:
        if self._checksum is None:
            return True
        if isinstance(self._checksum, Checksum) and self._digest is not None:
            return hmac.compare_digest(self._digest.digest(), self._checksum.digest)
        # The algorithm of a late checksum was unknown while the bytes came.
        late = self._checksum if isinstance(self._checksum, Checksum) else self._checksum()
        with self._context.stores.uploads.reader(self.upload.id) as reader:
            digest = checksums.of_range(
                reader, late.algorithm, self.start_offset, self._writer.offset
            )
        return hmac.compare_digest(digest, late.digest)

    def _roll_back(self, rewind: ChunkVerification) -> None:
        rewind.rollback_chunk(self._writer)
        self._running_hash.rollback()
