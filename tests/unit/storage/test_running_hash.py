"""Tests of the running hash: updates, catch-ups, rollbacks, and threads that wait."""

import subprocess
import threading
from functools import partial
from pathlib import Path

import blake3
import pytest
from support.ids import fresh_id
from support.required import require_program

from tusd_py.domain.errors import UploadNotFound
from tusd_py.domain.ids import UploadId
from tusd_py.storage import running_hash as module
from tusd_py.storage.disk_reader import DiskReader
from tusd_py.storage.port import Reader
from tusd_py.storage.running_hash import RunningHash, RunningHashes

CONTENT = bytes(number * 7 % 251 for number in range(300_000))


def never() -> bool:
    return False


def b3(content: bytes) -> str:
    return blake3.blake3(content).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "growing"
    file.write_bytes(CONTENT)
    return file


@pytest.fixture
def running_hash(path: Path) -> RunningHash:
    return RunningHash(partial(DiskReader, path))


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STEP_BYTES", 100_000)


def test_fed_bytes_are_hashed_in_order(running_hash: RunningHash) -> None:
    running_hash.update(0, [CONTENT[:10], memoryview(CONTENT)[10:1000], b""])
    running_hash.update(1000, [CONTENT[1000:]])
    assert running_hash.hashed == len(CONTENT)
    assert running_hash.hexdigest(len(CONTENT)) == b3(CONTENT)


def test_bytes_ahead_of_the_state_are_left_to_a_catch_up(running_hash: RunningHash) -> None:
    running_hash.update(500, [CONTENT[500:]])
    assert running_hash.hashed == 0
    assert running_hash.catch_up(lambda: len(CONTENT), never)
    assert running_hash.hexdigest(len(CONTENT)) == b3(CONTENT)


def test_bytes_hashed_already_are_skipped(running_hash: RunningHash) -> None:
    assert running_hash.catch_up(lambda: 1000, never)
    running_hash.update(400, [CONTENT[400:500], CONTENT[500:1200], CONTENT[1200:1300]])
    assert running_hash.hashed == 1300
    running_hash.update(0, [CONTENT[:1300]])
    assert running_hash.hexdigest(1300) == b3(CONTENT[:1300])


def test_a_digest_of_another_length_is_refused(running_hash: RunningHash) -> None:
    running_hash.update(0, [CONTENT[:10]])
    for length in (0, 9, 11):
        with pytest.raises(ValueError, match="hashed 10 bytes"):
            running_hash.hexdigest(length)


def test_an_empty_file_has_a_digest(running_hash: RunningHash) -> None:
    assert running_hash.catch_up(lambda: 0, never)
    assert running_hash.hexdigest(0) == b3(b"")


def test_a_complete_running_hash_does_not_open_its_file(
    running_hash: RunningHash, path: Path
) -> None:
    running_hash.update(0, [CONTENT])
    path.unlink()
    assert running_hash.catch_up(lambda: len(CONTENT), never)


def test_the_digest_is_what_b3sum_prints(running_hash: RunningHash, path: Path) -> None:
    require_program("b3sum")
    running_hash.update(0, [CONTENT[:77]])
    assert running_hash.catch_up(lambda: 200_000, never)
    running_hash.update(200_000, [CONTENT[200_000:]])
    command = ["b3sum", "--no-names", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert running_hash.hexdigest(len(CONTENT)) == done.stdout.strip()


class TestCatchUp:
    def test_follows_a_limit_that_grows(self, running_hash: RunningHash) -> None:
        limits = iter([100, 100, 5000, 250_000])
        assert running_hash.catch_up(lambda: next(limits, len(CONTENT)), never)
        assert running_hash.hexdigest(len(CONTENT)) == b3(CONTENT)

    def test_a_catch_up_can_be_stopped_and_continued(self, running_hash: RunningHash) -> None:
        answers = iter([False, False, True])
        assert running_hash.catch_up(lambda: len(CONTENT), lambda: next(answers)) is False
        assert running_hash.hashed == 200_000
        assert running_hash.catch_up(lambda: len(CONTENT), never) is True
        assert running_hash.hexdigest(len(CONTENT)) == b3(CONTENT)

    def test_a_file_shorter_than_its_limit_is_not_complete(self, running_hash: RunningHash) -> None:
        assert running_hash.catch_up(lambda: len(CONTENT) + 1, never) is False

    def test_a_missing_file_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(UploadNotFound):
            RunningHash(partial(DiskReader, tmp_path / "missing")).catch_up(lambda: 1, never)

    def test_starts_again_after_the_file_was_cut(
        self, running_hash: RunningHash, path: Path
    ) -> None:
        running_hash.update(0, [CONTENT])
        other = b"other" * 100
        path.write_bytes(other)
        assert running_hash.catch_up(lambda: len(other), never)
        assert running_hash.hexdigest(len(other)) == b3(other)


class TestRewind:
    def test_a_rollback_drops_the_bytes_since_the_savepoint(
        self, running_hash: RunningHash
    ) -> None:
        running_hash.update(0, [CONTENT[:1000]])
        running_hash.savepoint()
        running_hash.update(1000, [b"wrong", b"bytes"])
        running_hash.rollback()
        assert running_hash.hashed == 1000
        running_hash.update(1000, [CONTENT[1000:]])
        assert running_hash.hexdigest(len(CONTENT)) == b3(CONTENT)

    def test_committed_bytes_stay(self, running_hash: RunningHash) -> None:
        running_hash.savepoint()
        running_hash.update(0, [CONTENT[:1000]])
        running_hash.commit()
        running_hash.rollback()
        assert running_hash.hexdigest(1000) == b3(CONTENT[:1000])

    def test_a_catch_up_continues_below_the_savepoint_and_is_not_rolled_back(
        self, running_hash: RunningHash, path: Path
    ) -> None:
        path.write_bytes(CONTENT[:200_000] + b"wrong")
        running_hash.savepoint()
        running_hash.update(200_000, [b"wrong"])
        assert running_hash.catch_up(lambda: 200_000, never)
        running_hash.rollback()
        assert running_hash.hashed == 200_000
        path.write_bytes(CONTENT)
        running_hash.update(200_000, [CONTENT[200_000:]])
        assert running_hash.hexdigest(len(CONTENT)) == b3(CONTENT)

    def test_a_catch_up_does_not_touch_unverified_bytes(
        self, running_hash: RunningHash, path: Path
    ) -> None:
        running_hash.update(0, [CONTENT[:1000]])
        running_hash.savepoint()
        running_hash.update(1000, [b"wrong"])
        assert running_hash.catch_up(lambda: 1000, never)
        assert running_hash.hashed == 1005
        running_hash.rollback()
        assert running_hash.hexdigest(1000) == b3(CONTENT[:1000])

    def test_a_second_rollback_has_no_effect(self, running_hash: RunningHash) -> None:
        running_hash.update(0, [CONTENT[:10]])
        running_hash.savepoint()
        running_hash.update(10, [b"wrong"])
        running_hash.rollback()
        running_hash.update(10, [CONTENT[10:20]])
        running_hash.rollback()
        assert running_hash.hexdigest(20) == b3(CONTENT[:20])


class TestThreads:
    """Tests rule 2 with a catch-up that is stopped exactly where bytes could be lost."""

    @pytest.mark.parametrize("known", [1000, 0], ids=["level from the start", "after reading"])
    def test_update_does_not_wait_for_a_catch_up_that_ends_and_no_byte_is_lost(
        self, running_hash: RunningHash, path: Path, known: int
    ) -> None:
        path.write_bytes(CONTENT[:1000])
        running_hash.update(0, [CONTENT[:known]])
        inside, go_on = threading.Event(), threading.Event()

        def limit() -> int:
            size = path.stat().st_size
            if running_hash.hashed == size and not inside.is_set():
                inside.set()
                assert go_on.wait(30)
            return size

        levels: list[bool] = []
        thread = threading.Thread(target=lambda: levels.append(running_hash.catch_up(limit, never)))
        thread.start()
        assert inside.wait(30)
        # The catch-up holds the mutex and has found all 1000 bytes hashed; more arrive now.
        path.write_bytes(CONTENT[:2000])
        running_hash.update(1000, [CONTENT[1000:2000]])
        go_on.set()
        thread.join(30)
        assert levels == [True]
        assert running_hash.hashed == 2000, "no bytes fell between the two"
        running_hash.update(2000, [CONTENT[2000:]])
        assert running_hash.hexdigest(len(CONTENT)) == b3(CONTENT)

    def test_writer_and_catch_up_together_hash_every_byte_once(
        self, running_hash: RunningHash, path: Path
    ) -> None:
        path.write_bytes(CONTENT[:100_000])
        path_at = [100_000]
        done = threading.Event()
        levels: set[bool] = set()

        def catch_up() -> None:
            while not done.is_set():
                levels.add(running_hash.catch_up(lambda: path_at[0], never))

        thread = threading.Thread(target=catch_up)
        thread.start()
        with path.open("ab", buffering=0) as file:
            for start in range(100_000, len(CONTENT), 97):
                chunk = CONTENT[start : start + 97]
                file.write(chunk)
                path_at[0] = start + len(chunk)
                running_hash.update(start, [chunk])
        done.set()
        thread.join(30)
        assert levels == {True}
        assert running_hash.catch_up(lambda: len(CONTENT), never)
        assert running_hash.hexdigest(len(CONTENT)) == b3(CONTENT)


def unread(_upload_id: UploadId) -> Reader:
    raise AssertionError("nothing is read before a catch-up")


class TestFollowers:
    def test_an_upload_has_one_running_hash(self) -> None:
        followers, upload_id = RunningHashes(), fresh_id()
        assert followers.get(upload_id, unread) is followers.get(upload_id, unread)
        assert followers.get(fresh_id(), unread) is not followers.get(upload_id, unread)

    def test_a_dropped_running_hash_starts_again(self) -> None:
        followers, upload_id = RunningHashes(), fresh_id()
        followers.get(upload_id, unread).update(0, [CONTENT])
        followers.drop(upload_id)
        followers.drop(upload_id)
        assert followers.get(upload_id, unread).hashed == 0

    def test_the_least_recently_used_running_hash_is_dropped(self) -> None:
        followers = RunningHashes(limit=2)
        first, second, third = fresh_id(), fresh_id(), fresh_id()
        kept = followers.get(first, unread)
        gone = followers.get(second, unread)
        assert followers.get(first, unread) is kept
        followers.get(third, unread)
        assert followers.get(first, unread) is kept
        assert followers.get(second, unread) is not gone
