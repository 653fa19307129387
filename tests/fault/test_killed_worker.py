"""kill -9 of a worker at each step: one effect, nothing lost, no ffmpeg left behind."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import httpx
import pytest
from support.files import files_in
from support.media import probe, video
from support.server import Server, running_server
from support.tus import delete, upload
from support.waiting import wait_until
from support.warm_start import Started
from support.workers import running_worker

POINTS = [
    "claimed",
    "before_inspect",
    "before_scan",
    "before_transcode",
    "before_store",
    "before_record",
    "before_clean_up",
    "after_all",
]
FAST = {
    "TUSD_MEDIA__PRESET": "ultrafast",
    "TUSD_JOBS__LEASE": "3s",
    "TUSD_JOBS__RENEW_EVERY": "0.5s",
    "TUSD_JOBS__REAP_EVERY": "0.2s",
    "TUSD_JOBS__RELAY_EVERY": "0.1s",
}


def worker(data_dir: Path, **env: str) -> AbstractContextManager[Started]:
    return running_worker(data_dir, FAST, **env)


def query(server: Server, statement: str) -> list[tuple[object, ...]]:
    database = sqlite3.connect(server.data_dir / "catalog.sqlite3")
    try:
        return database.execute(statement).fetchall()
    finally:
        database.close()


def programs_in(folder: Path) -> list[str]:
    """Return the command lines of ffmpeg and its sandboxes that work on files in the folder."""
    return list(_programs(folder).values())


def wait_until_no_program_runs(folder: Path) -> None:
    """Wait for the ends of programs: what is in a sandbox ends after the sandbox."""
    wait_until(lambda: not programs_in(folder))


def stop_programs_in(folder: Path) -> None:
    """Wait for programs and stop them: none of them ends by itself, or makes progress, after that."""
    wait_until(lambda: programs_in(folder))
    for pid in _programs(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)


def encoders_in(folder: Path) -> list[int]:
    """Return the process ids of the sandboxes in which ffmpeg encodes a file of the folder."""
    return [pid for pid, line in _programs(folder).items() if "libx264" in line]


def _programs(folder: Path) -> dict[int, str]:
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                line = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            if "ffmpeg" in line and str(folder) in line:
                found[int(process.name)] = line
    return found


@pytest.fixture
def idle_server(tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path / "data", "--workers", "0", env=FAST) as server:
        yield server


@pytest.mark.parametrize("point", POINTS)
def test_a_worker_killed_at_any_step_leaves_one_effect(
    idle_server: Server, tmp_path: Path, point: str
) -> None:
    server = idle_server
    source = video(tmp_path / "clip.mp4")
    task = upload(server, source)
    with worker(server.data_dir, TUSD_FAIL=f"{point}:exit") as first:
        assert first.wait(60) == 137
    before = server.progress(task)
    with worker(server.data_dir):
        done = server.wait_for_status(task, "completed", "failed")
        assert done["status"] == "completed", done
        assert int(str(done["progress"])) >= int(str(before["progress"]))
        (pool,) = query(server, "SELECT hash, object_key FROM repository_pool")
        assert query(server, "SELECT status FROM file_upload_history") == [("completed",)]
        stored = server.data_dir / "objects" / str(pool[1])
        assert probe(stored, "stream=codec_name").split() == ["h264", "aac"]
        uploads = server.data_dir / "uploads"
        wait_until(lambda: not files_in(uploads))
    wait_until_no_program_runs(server.data_dir)


def test_a_worker_killed_inside_ffmpeg_leaves_no_ffmpeg_and_loses_no_progress(
    idle_server: Server, tmp_path: Path
) -> None:
    server = idle_server
    source = video(tmp_path / "long.mp4", seconds=8.0, size="1280x720", rate=30, crf=10)
    task = upload(server, source)
    with worker(server.data_dir, TUSD_MEDIA__PRESET="slow") as first:
        wait_until(lambda: int(str(server.progress(task)["progress"])) > 31, timeout=60)
        stop_programs_in(server.data_dir)
        first.kill()
        first.wait()
        reached = int(str(server.progress(task)["progress"]))
    wait_until_no_program_runs(server.data_dir)
    with worker(server.data_dir):
        seen = []

        def done() -> bool:
            state = server.progress(task)
            seen.append(int(str(state["progress"])))
            return state["status"] == "completed"

        wait_until(done, timeout=90)
    assert min(seen) >= reached
    assert len(query(server, "SELECT * FROM repository_pool")) == 1


def test_a_film_whose_worker_dies_twice_is_stored_as_it_was_sent(
    idle_server: Server, tmp_path: Path
) -> None:
    server = idle_server
    source = video(tmp_path / "clip.mp4")
    task = upload(server, source)
    for _ in range(3):
        # The third worker has nothing to encode: it dies before it stores the file, which is no
        # evidence either.
        with worker(server.data_dir, TUSD_FAIL="before_transcode:exit") as process:
            assert process.wait(60) == 137
    with worker(server.data_dir):
        done = server.wait_for_status(task, "completed", "failed")
    assert (done["status"], done["note_codes"]) == ("completed", ["worker_died"])
    assert httpx.get(f"{server.files}{task}").content == source.read_bytes()
    # Each attempt has one fence.
    assert query(server, "SELECT fence, crash_count FROM jobs") == [(4, 3)]


def test_ffmpeg_that_is_killed_in_its_box_is_started_again(
    idle_server: Server, tmp_path: Path
) -> None:
    server = idle_server
    source = video(tmp_path / "film.mp4", seconds=4.0, size="320x240", rate=30, crf=8)
    task = upload(server, source)
    with worker(server.data_dir, TUSD_MEDIA__PRESET="slow"):
        pid, *_ = wait_until(lambda: encoders_in(server.data_dir))
        os.kill(pid, signal.SIGKILL)
        done = server.wait_for_status(task, "completed", "failed", timeout=90)
    assert (done["status"], done["message"]) == ("completed", "上传完成")
    assert query(server, "SELECT attempts, crash_count FROM jobs") == [(0, 0)]
    assert len(httpx.get(f"{server.files}{task}").content) < source.stat().st_size


def test_a_deleted_film_is_worked_on_no_longer(idle_server: Server, tmp_path: Path) -> None:
    server = idle_server
    source = video(tmp_path / "long.mp4", seconds=20.0, size="1280x720", rate=30, crf=10)
    task = upload(server, source)
    # The renewal of the lease, which would detect the loss too, is not due before the test ends.
    never = {"TUSD_MEDIA__PRESET": "slow", "TUSD_JOBS__LEASE": "900s"}
    with worker(server.data_dir, **never, TUSD_JOBS__RENEW_EVERY="600s"):
        stop_programs_in(server.data_dir)
        deleted = delete(f"{server.files}{task}")
        assert deleted.status_code == 204
        wait_until_no_program_runs(server.data_dir)
        wait_until(lambda: not (server.data_dir / "work" / task).exists())
        assert query(server, "SELECT state FROM jobs") == [("cancelled",)]
        # The slot is free again.
        server.wait_for_status(upload(server, b"another" * 10), "completed")


def test_a_worker_that_slept_through_its_lease_changes_nothing(idle_server: Server) -> None:
    server = idle_server
    # Nothing is made of this file, so that it is recorded well within a lease that is never
    # renewed.
    task = upload(server, b"zombie" * 100)
    # Only the slot's thread writes to the database: SIGSTOP in a transaction would stop all
    # threads.
    quiet = {f"TUSD_JOBS__{name}_EVERY": "600s" for name in ("RENEW", "REAP", "RELAY", "JANITOR")}
    with worker(server.data_dir, TUSD_FAIL="before_record:stop", **quiet) as zombie:
        wait_until(lambda: _stopped(zombie.pid))
        with worker(server.data_dir):
            done = server.wait_for_status(task, "completed")
            zombie.send_signal(signal.SIGCONT)
            # The zombie is alive again and idle: it waits for deliveries like any worker.
            again = upload(server, b"another" * 10)
            server.wait_for_status(again, "completed")
            assert server.progress(task)["repository_id"] == done["repository_id"]
    assert len(query(server, f"SELECT * FROM file_upload_history WHERE task_id = '{task}'")) == 1
    assert httpx.get(f"{server.files}{task}").status_code == 200


def _stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def test_a_file_that_stops_every_worker_becomes_a_dead_letter_and_can_be_tried_again(
    idle_server: Server, tmp_path: Path
) -> None:
    server = idle_server
    task = upload(server, b"poison" * 100)
    for _ in range(3):
        with worker(server.data_dir, TUSD_FAIL="before_inspect:exit") as process:
            assert process.wait(60) == 137
    with worker(server.data_dir):
        failed = server.wait_for_status(task, "failed")
        assert failed["error_code"] == "poison"
        assert failed["progress"] == 0
        command = [sys.executable, "-m", "tusd_py", "dead-letters"]
        flags = ["--data-dir", str(server.data_dir)]
        listed = subprocess.run(
            [*command, "list", *flags], capture_output=True, text=True, check=True
        )
        assert task in listed.stdout
        subprocess.run([*command, "retry", task, *flags], capture_output=True, check=True)
        server.wait_for_status(task, "completed")


def test_a_stopped_worker_gives_its_job_back_at_once(idle_server: Server, tmp_path: Path) -> None:
    server = idle_server
    source = video(tmp_path / "long.mp4", seconds=10.0, size="1280x720", rate=30, crf=10)
    task = upload(server, source)
    slow = {"TUSD_MEDIA__PRESET": "slow", "TUSD_JOBS__LEASE": "600s"}
    with worker(server.data_dir, **slow) as first:
        stop_programs_in(server.data_dir)
        first.send_signal(signal.SIGTERM)
        assert first.wait(30) == 0
    wait_until_no_program_runs(server.data_dir)
    assert query(server, "SELECT state, attempts, crash_count FROM jobs") == [("queued", 0, 0)]
    with worker(server.data_dir):
        server.wait_for_status(task, "completed", timeout=90)
