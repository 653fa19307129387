"""Any client, any breaks, any restarts, against a model that is a string of bytes."""

import asyncio
import hashlib
import shutil
import tempfile
from pathlib import Path

import blake3
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.bodies import scripted
from support.clock import FakeClock
from support.room import Process, fresh_id, policy, stored_file

from tusd_py.domain.caller import EVERYBODY
from tusd_py.domain.commands import Append, Checksum, Create, Inspect
from tusd_py.domain.errors import (
    ChecksumMismatch,
    ClientDisconnected,
    LengthExceeded,
    OffsetMismatch,
)
from tusd_py.domain.ids import ANONYMOUS, owner_scope
from tusd_py.domain.upload import UploadState
from tusd_py.ingest.asgi_body import AsgiBody
from tusd_py.uploads.append import append
from tusd_py.uploads.create import create
from tusd_py.uploads.inspect import inspect
from tusd_py.uploads.recovery import recover

PIECES = st.lists(st.binary(min_size=1, max_size=3000), min_size=0, max_size=4)


class UploadMachine(RuleBasedStateMachine):
    """One upload from creation to its job."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = Path(tempfile.mkdtemp())
        self.process = Process(self.directory, FakeClock(), policy())
        self.model = b""
        self.content = b""

    def teardown(self) -> None:
        self.process.close()
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.directory)

    @initialize(content=st.binary(min_size=1, max_size=9000), deferred=st.booleans())
    def born(self, content: bytes, *, deferred: bool) -> None:
        self.content = content
        self.id = fresh_id()
        self.length_sent = not deferred
        command = Create(length=None if deferred else len(content))
        self._run(create(self.process.room, EVERYBODY, self.id, command, self._body([])))

    def _run(self, work: object) -> object:
        return self.loop.run_until_complete(work)  # type: ignore[arg-type]

    def _body(self, chunks: list[bytes], *, breaks_off: bool = False) -> AsgiBody:
        return AsgiBody(scripted(chunks, breaks_off=breaks_off), self.process.threads)

    def _append(self, command: Append, body: AsgiBody) -> None:
        self._run(append(self.process.room, ANONYMOUS, command, body))

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
        command = Append(
            upload_id=self.id,
            offset=len(self.model),
            declared_length=len(self.content) if send_length else None,
        )
        self.length_sent = self.length_sent or send_length
        full = self.length_sent and len(self.model) + len(b"".join(chunks)) == len(self.content)
        try:
            self._append(command, self._body(chunks, breaks_off=breaks_off))
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
        command = Append(
            upload_id=self.id,
            offset=len(self.model),
            checksum=Checksum(algorithm=algorithm, digest=digest),
        )
        try:
            self._append(command, self._body(chunks, breaks_off=breaks_off))
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
        command = Append(upload_id=self.id, offset=len(self.model) + delta)
        try:
            self._append(command, self._body([b"stranger"]))
        except OffsetMismatch as error:
            assert error.current == len(self.model)
        else:
            raise AssertionError("taken at a wrong offset")

    @precondition(lambda self: self.length_sent and not self.done)
    @rule(extra=st.binary(min_size=1, max_size=40))
    def too_much_changes_nothing(self, extra: bytes) -> None:
        rest = self.content[len(self.model) :]
        command = Append(upload_id=self.id, offset=len(self.model))
        try:
            self._append(command, self._body([rest + extra]))
        except LengthExceeded:
            pass
        else:
            raise AssertionError("more than the length was taken")

    @rule()
    def the_server_is_killed_and_started_again(self) -> None:
        self.process = self.process.restarted()
        self._run(recover(self.process.room))

    @precondition(lambda self: not self.done)
    @rule(garbage=st.binary(min_size=1, max_size=500))
    def the_server_is_killed_inside_an_unverified_chunk(self, garbage: bytes) -> None:
        rewind = self.process.ports.stores.verification
        assert rewind is not None
        writer = self.process.ports.stores.uploads.writer(self.id, length=None)
        rewind.begin_chunk(writer)
        writer.write([garbage])
        writer.close()
        self.process = self.process.restarted()
        self._run(recover(self.process.room))

    @invariant()
    def the_offset_is_what_was_sent(self) -> None:
        if not hasattr(self, "id"):
            return
        found = self._run(inspect(self.process.room, ANONYMOUS, Inspect(upload_id=self.id)))
        assert found.offset == len(self.model)  # type: ignore[attr-defined]

    @invariant()
    def a_full_upload_is_one_job_with_the_right_hash(self) -> None:
        if not hasattr(self, "id"):
            return
        job = self.process.ports.catalog.jobs.get(self.id)
        upload = self.process.ports.catalog.uploads.get(self.id)
        assert upload is not None
        if not self.done:
            assert job is None
            assert upload.state is UploadState.RECEIVING
            return
        assert job is not None
        assert job.file_hash == blake3.blake3(self.content).hexdigest()
        assert job.scope == owner_scope(ANONYMOUS)
        stored = stored_file(self.process.ports, self.id).read_bytes()
        assert stored == self.content


UploadMachine.TestCase.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
TestUploads = UploadMachine.TestCase
