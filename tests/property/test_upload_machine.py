"""Any client, any breaks, any restarts, against a model that is a string of bytes."""

import hashlib
import shutil
import tempfile
from pathlib import Path

import blake3
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.ids import ME
from support.uploads import UploadsInProcess, stored_file

from tusd_py.domain.commands import Checksum
from tusd_py.domain.errors import (
    ChecksumMismatch,
    ClientDisconnected,
    LengthExceeded,
    OffsetMismatch,
)
from tusd_py.domain.ids import owner_scope
from tusd_py.domain.upload import UploadState
from tusd_py.uploads.recovery import recover

PIECES = st.lists(st.binary(min_size=1, max_size=3000), min_size=0, max_size=4)


class UploadMachine(RuleBasedStateMachine):
    """One upload from creation to its job."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.client = UploadsInProcess(self.directory)
        self.model = b""
        self.content = b""

    def teardown(self) -> None:
        self.client.close()
        shutil.rmtree(self.directory)

    @initialize(content=st.binary(min_size=1, max_size=9000), deferred=st.booleans())
    def born(self, content: bytes, *, deferred: bool) -> None:
        self.content = content
        self.length_sent = not deferred
        self.id = self.client.create(None if deferred else len(content))

    def _next(self, sizes: list[int]) -> list[bytes]:
        """Return the next bytes of the content, in a piece of the given size."""
        chunks, position = [], len(self.model)
        for size in sizes:
            piece = self.content[position : position + size]
            position += len(piece)
            if piece:
                chunks.append(piece)
        return chunks

    @property
    def done(self) -> bool:
        return self.length_sent and len(self.model) == len(self.content)

    @precondition(lambda self: not self.done)
    @rule(
        sizes=st.lists(st.integers(1, 4000), max_size=4),
        breaks_off=st.booleans(),
        send_length=st.booleans(),
    )
    def bytes_arrive(self, sizes: list[int], *, breaks_off: bool, send_length: bool) -> None:
        chunks = self._next(sizes)
        declared_length = len(self.content) if send_length else None
        self.length_sent = self.length_sent or send_length
        full = self.length_sent and len(self.model) + len(b"".join(chunks)) == len(self.content)
        try:
            self.client.append(
                self.id,
                len(self.model),
                *chunks,
                breaks_off=breaks_off,
                declared_length=declared_length,
            )
        except ClientDisconnected:
            assert breaks_off
            assert not full, "a full upload is finished although its client went away"
        self.model += b"".join(chunks)

    @precondition(lambda self: not self.done)
    @rule(
        sizes=st.lists(st.integers(1, 4000), min_size=1, max_size=4),
        algorithm=st.sampled_from(["sha1", "sha256", "md5"]),
        wrong=st.booleans(),
        breaks_off=st.booleans(),
    )
    def a_checked_chunk_arrives(
        self, sizes: list[int], algorithm: str, *, wrong: bool, breaks_off: bool
    ) -> None:
        chunks = self._next(sizes)
        digest = hashlib.new(algorithm, b"".join(chunks) + (b"x" if wrong else b"")).digest()
        checksum = Checksum(algorithm=algorithm, digest=digest)
        try:
            self.client.append(
                self.id, len(self.model), *chunks, breaks_off=breaks_off, checksum=checksum
            )
        except ChecksumMismatch:
            assert wrong
        except ClientDisconnected:
            assert breaks_off
        else:
            assert not wrong
            assert not breaks_off
            self.model += b"".join(chunks)

    @precondition(lambda self: not self.done)
    @rule(delta=st.integers(1, 50))
    def a_wrong_offset_changes_nothing(self, delta: int) -> None:
        try:
            self.client.append(self.id, len(self.model) + delta, b"stranger")
        except OffsetMismatch as error:
            assert error.current == len(self.model)
        else:
            raise AssertionError("taken at a wrong offset")

    @precondition(lambda self: self.length_sent and not self.done)
    @rule(extra=st.binary(min_size=1, max_size=40))
    def too_much_changes_nothing(self, extra: bytes) -> None:
        rest = self.content[len(self.model) :]
        try:
            self.client.append(self.id, len(self.model), rest + extra)
        except LengthExceeded:
            pass
        else:
            raise AssertionError("more than the length was taken")

    @rule()
    def the_server_is_killed_and_started_again(self) -> None:
        self.client.restart()
        self.client.run(recover(self.client.context))

    @precondition(lambda self: not self.done)
    @rule(garbage=st.binary(min_size=1, max_size=500))
    def the_server_is_killed_inside_an_unverified_chunk(self, garbage: bytes) -> None:
        rewind = self.client.ports.stores.verification
        assert rewind is not None
        writer = self.client.ports.stores.uploads.writer(self.id, length=None)
        rewind.begin_chunk(writer)
        writer.write([garbage])
        writer.close()
        self.client.restart()
        self.client.run(recover(self.client.context))

    @invariant()
    def the_offset_is_what_was_sent(self) -> None:
        if not hasattr(self, "id"):
            return
        assert self.client.head(self.id).offset == len(self.model)

    @invariant()
    def a_full_upload_is_one_job_with_the_right_hash(self) -> None:
        if not hasattr(self, "id"):
            return
        job = self.client.ports.catalog.jobs.get(self.id)
        upload = self.client.ports.catalog.uploads.get(self.id)
        assert upload is not None
        if not self.done:
            assert job is None
            assert upload.state is UploadState.RECEIVING
            return
        assert job is not None
        assert job.file_hash == blake3.blake3(self.content).hexdigest()
        assert job.scope == owner_scope(ME)
        stored = stored_file(self.client.ports, self.id).read_bytes()
        assert stored == self.content


UploadMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=15)
TestUploads = UploadMachine.TestCase
