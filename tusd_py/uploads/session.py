"""One body's way into its upload: to the file, to the running hash, to the chunk's checksum."""

import hmac
import os
from collections.abc import Sequence
from typing import Final, Self

from tusd_py.chunks import first_bytes
from tusd_py.domain.commands import Checksum, LateChecksum
from tusd_py.domain.errors import ProtocolError, QuotaExceeded
from tusd_py.domain.signatures.look import HEAD_BYTES, HeadReader
from tusd_py.domain.type_rules import check_content
from tusd_py.domain.upload import Upload
from tusd_py.storage import checksums
from tusd_py.storage.port import ChunkVerification, Writer
from tusd_py.storage.running_hash import RunningHash
from tusd_py.uploads.body import DrainEnd, DrainResult
from tusd_py.uploads.context import UploadContext
from tusd_py.uploads.programs import Program, commit, fsync
from tusd_py.uploads.quota_reservation import QuotaReservation, reservation_for

SNIFF_BYTES: Final = 4096
"""Under a white list a file's type is looked for as soon as this many bytes are there, and at its end."""


def read_head(path: os.PathLike[str]) -> bytes:
    """The first ``HEAD_BYTES`` of a file."""
    with open(path, "rb") as file:  # noqa: PTH123  (one call less on a warm path)
        return file.read(HEAD_BYTES)


class WriteSession:
    """Begun, fed and ended in threads, one call at a time, under the upload's lock. All calls block."""

    def __init__(
        self,
        context: UploadContext,
        upload: Upload,
        writer: Writer,
        checksum: Checksum | LateChecksum | None,
    ) -> None:
        self._context = context
        self._allowed = context.policy.allowed_extensions
        self._path = context.stores.uploads.path(upload.id)
        self._first_bytes = b""
        """The first bytes, if one chunk brought them."""
        self._writer = writer
        self._running_hash: RunningHash = context.running_hash(upload)
        self._verification = context.stores.verification if checksum is not None else None
        self._checksum = checksum
        self._digest = checksums.new(checksum.algorithm) if isinstance(checksum, Checksum) else None
        self._sniffed = writer.offset >= SNIFF_BYTES or not self._allowed
        self._grant = reservation_for(context, upload)
        self.recorded = True
        """False while the catalog has no row of the upload, with which its first bytes are counted."""
        self.upload = upload
        self.start_offset = writer.offset
        self.verified = True
        """False once the chunk turned out not to be what its checksum says."""
        self.is_open = True

    @classmethod
    def start(
        cls,
        context: UploadContext,
        upload: Upload,
        checksum: Checksum | LateChecksum | None,
        *,
        new: bool = False,
    ) -> Self:
        """Open the upload at its end, or make it (``new``); an unverified chunk is marked as such
        before its first byte.

        Raises: UploadNotFound, StorageFull, StorageDamaged.
        """
        store = context.stores.uploads
        open_ = store.begin if new else store.writer
        writer = open_(upload.id, length=upload.length)
        session = cls(context, upload, writer, checksum)
        session.recorded = not new
        try:
            if session._verification is not None:
                session._verification.begin_chunk(writer)
                session._running_hash.savepoint()
        except BaseException:
            session.close()
            raise
        return session

    @property
    def offset(self) -> int:
        """Bytes in the store, those that are not verified yet too."""
        return self._writer.offset

    @property
    def is_complete(self) -> bool:
        """Whether the upload's last byte is in the store, and counts."""
        return self.verified and self.offset == self.upload.length

    @property
    def _counted(self) -> QuotaReservation | None:
        """What bytes are counted by as they come; None if they are counted otherwise, or not at all."""
        return self._grant if self.recorded else None

    def check_next(self, size: int) -> Program[None]:
        """Take room for a body of ``size`` bytes that has arrived as a whole."""
        grant = self._counted
        if grant is not None:
            yield from commit(
                lambda catalog: grant.cover(self.offset + size, ahead=0, catalog=catalog)
            )

    def write(self, chunks: Sequence[bytes | memoryview]) -> None:
        """Bytes to the file first, then to the hash: the file is the truth.

        Raises: StorageFull, StorageDamaged, TypeMismatch; QuotaExceeded: the bytes before the limit are
            kept.
        """
        grant = self._counted
        if grant is not None:
            end = self.offset + sum(len(chunk) for chunk in chunks)
            reach = grant.cover(end)
            if reach < end:
                self._keep(first_bytes(chunks, reach - self.offset))
                raise QuotaExceeded(grant.limit)
        self._keep(chunks)

    def _keep(self, chunks: Sequence[bytes | memoryview]) -> None:
        start = self._writer.offset
        if not start and len(chunks) == 1:
            self._first_bytes = bytes(chunks[0][:HEAD_BYTES])
        self._writer.write(chunks)
        self._running_hash.update(start, chunks)
        if self._digest is not None:
            for chunk in chunks:
                self._digest.update(chunk)
        if not self._sniffed and self._writer.offset >= SNIFF_BYTES:
            self._sniffed = True
            check_content(self.upload.filename, HeadReader(self.first_bytes()), self._allowed)

    def first_bytes(self) -> bytes:
        """The first bytes of what the store has: 64 KiB, or all there are."""
        if len(self._first_bytes) == min(self.offset, HEAD_BYTES):
            return self._first_bytes
        return read_head(self._path)

    def finish_body(self, drained: DrainResult) -> Program[None]:
        """After the last byte: what came is judged, made durable as far as promised, and closed.

        Raises: StorageDamaged; ProtocolError: a checksum that was to follow did not come, or can't
            be used: what came does not count.
        """
        try:
            if drained.end is DrainEnd.TOO_LONG:
                self._forget_body()
            self._verify(complete=drained.end is DrainEnd.COMPLETE)
            if self._context.policy.durability == "strict" or (
                self.is_complete and drained.end is not DrainEnd.TOO_LONG
            ):
                self._writer.start_writeback()
                yield from fsync(self._writer.sync)
        finally:
            self.close()
        grant, offset = self._counted, self.offset
        if grant is not None and grant.size != offset:
            yield from commit(lambda catalog: grant.settle(offset, catalog))

    def abort(self) -> None:
        """After an error: what is not verified is taken back."""
        try:
            self._verify(complete=False)
        finally:
            self.close()
            if self._counted is not None:
                self._counted.settle(self.offset)

    def close(self) -> None:
        """Give the file back. Idempotent."""
        self._writer.close()
        self.is_open = False

    def _forget_body(self) -> None:
        """A body that is too long counts for nothing: its prefix could pass for the whole file."""
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
        # A late one: its algorithm was unknown while the bytes came.
        late = self._checksum if isinstance(self._checksum, Checksum) else self._checksum()
        digest = checksums.of_range(
            self._path, late.algorithm, self.start_offset, self._writer.offset
        )
        return hmac.compare_digest(digest, late.digest)

    def _roll_back(self, rewind: ChunkVerification) -> None:
        rewind.rollback_chunk(self._writer)
        self._running_hash.rollback()
