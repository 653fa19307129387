"""The running hash equals blake3 for any cuts, updates, re-reads, restarts, savepoints and rollbacks."""

import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

import blake3
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tusd_py.storage import running_hash as module
from tusd_py.storage.disk_reader import DiskReader
from tusd_py.storage.running_hash import RunningHash

CHUNKS = st.lists(st.binary(max_size=3000), max_size=5)
STEP_BYTES = 1024


class RunningHashMachine(RuleBasedStateMachine):
    """A file and its running hash; the model is the verified bytes and the unverified ones."""

    def __init__(self) -> None:
        super().__init__()
        self.original_step = module.STEP_BYTES
        module.STEP_BYTES = STEP_BYTES  # type: ignore[misc]
        self.directory = Path(tempfile.mkdtemp())
        self.path = self.directory / "growing"
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT)
        self.running_hash = RunningHash(partial(DiskReader, self.path))
        self.verified = b""
        self.unverified: bytes | None = None

    def teardown(self) -> None:
        module.STEP_BYTES = self.original_step  # type: ignore[misc]
        os.close(self.descriptor)
        shutil.rmtree(self.directory)

    @property
    def end(self) -> int:
        return len(self.verified) + len(self.unverified or b"")

    def write(self, chunks: list[bytes]) -> int:
        """Write as the store does: bytes are in the file before the running_hash gets them."""
        start, content = self.end, b"".join(chunks)
        os.pwrite(self.descriptor, content, start)
        if self.unverified is None:
            self.verified += content
        else:
            self.unverified += content
        return start

    @rule(chunks=CHUNKS)
    def bytes_are_written_and_fed(self, chunks: list[bytes]) -> None:
        self.running_hash.update(self.write(chunks), chunks)

    @rule(chunks=CHUNKS)
    def bytes_are_left_because_a_catch_up_holds_the_state(self, chunks: list[bytes]) -> None:
        start = self.write(chunks)
        with self.running_hash._mutex:
            self.running_hash.update(start, chunks)

    @rule(steps=st.integers(0, 6))
    def a_catch_up_runs_for_a_while(self, steps: int) -> None:
        answers = iter([False] * steps)
        level = self.running_hash.catch_up(lambda: len(self.verified), lambda: next(answers, True))
        if level:
            assert self.running_hash.hashed >= len(self.verified)

    @precondition(lambda self: self.unverified is None)
    @rule()
    def a_chunk_to_be_verified_begins(self) -> None:
        self.unverified = b""
        self.running_hash.savepoint()

    @precondition(lambda self: self.unverified is not None)
    @rule(catch_up_between=st.booleans())
    def the_chunk_is_right(self, *, catch_up_between: bool) -> None:
        assert self.unverified is not None
        self.verified += self.unverified
        self.unverified = None
        if catch_up_between:
            assert self.running_hash.catch_up(lambda: len(self.verified), lambda: False)
        self.running_hash.commit()

    @precondition(lambda self: self.unverified is not None)
    @rule(catch_up_between=st.booleans())
    def the_chunk_is_wrong(self, *, catch_up_between: bool) -> None:
        os.ftruncate(self.descriptor, len(self.verified))
        self.unverified = None
        if catch_up_between:
            assert self.running_hash.catch_up(lambda: len(self.verified), lambda: False)
        self.running_hash.rollback()
        assert self.running_hash.hashed <= len(self.verified)

    @rule()
    def the_process_is_restarted(self) -> None:
        os.ftruncate(self.descriptor, len(self.verified))
        self.unverified = None
        self.running_hash = RunningHash(partial(DiskReader, self.path))

    @invariant()
    def the_state_is_a_prefix_of_the_file(self) -> None:
        content = self.verified + (self.unverified or b"")
        hashed = self.running_hash.hashed
        assert hashed <= len(content)
        assert self.running_hash.hexdigest(hashed) == blake3.blake3(content[:hashed]).hexdigest()

    @precondition(lambda self: self.unverified is None)
    @rule()
    def the_upload_is_finished(self) -> None:
        assert self.running_hash.catch_up(lambda: len(self.verified), lambda: False)
        digest = self.running_hash.hexdigest(len(self.verified))
        assert digest == blake3.blake3(self.path.read_bytes()).hexdigest()
        assert digest == blake3.blake3(self.verified).hexdigest()


RunningHashMachine.TestCase.settings = settings(max_examples=150, stateful_step_count=25)
TestFollower = RunningHashMachine.TestCase
