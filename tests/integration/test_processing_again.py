"""Files that are processed again: the renditions are replaced at once, or nothing changes."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.media import video
from support.server import Server, running_server
from support.tus import create, delete, task_id, upload
from support.waiting import wait_until
from support.workers import running_worker

QUICK = {
    "TUSD_JOBS__LEASE": "3s",
    "TUSD_JOBS__RENEW_EVERY": "0.5s",
    "TUSD_JOBS__REAP_EVERY": "0.2s",
    "TUSD_JOBS__RELAY_EVERY": "0.1s",
    "TUSD_MEDIA__PRESET": "ultrafast",
}


@pytest.fixture(scope="module")
def idle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("again") / "data"
    with running_server(folder, "--workers", "0", env=QUICK) as server:
        yield server


def again(server: Server, task: str) -> httpx.Response:
    return httpx.post(f"{server.url}/api/file/upload/reprocess/{task}")


def state(server: Server, task: str) -> dict[str, Any]:
    response = httpx.get(f"{server.url}/api/file/upload/reprocess/{task}")
    response.raise_for_status()
    found: dict[str, Any] = response.json()
    return found


def made(server: Server, task: str) -> dict[str, Any]:
    response = httpx.get(f"{server.url}/api/file/upload/renditions/{task}")
    response.raise_for_status()
    found: dict[str, Any] = response.json()
    return found


def rows(server: Server, statement: str) -> list[tuple[Any, ...]]:
    database = sqlite3.connect(server.data_dir / "catalog.sqlite3")
    try:
        return database.execute(statement).fetchall()
    finally:
        database.close()


def tusd_py(*arguments: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "tusd_py", *arguments], capture_output=True, text=True, check=check
    )


def wait_until_ended(server: Server, task: str) -> dict[str, Any]:
    wait_until(lambda: state(server, task)["state"] in ("done", "failed"), timeout=60)
    return state(server, task)


def original(server: Server, task: str) -> bytes:
    return httpx.get(f"{server.files}{task}?rendition=original").content


def test_a_film_is_made_again_with_other_settings_for_every_task_that_has_it(
    idle: Server, tmp_path: Path
) -> None:
    source = video(tmp_path / "clip.mp4")
    with running_worker(idle.data_dir, QUICK, TUSD_MEDIA__KEEP_ORIGINAL="always"):
        task = upload(idle, source)
        idle.wait_for_status(task, "completed")
    twin = upload(idle, source)
    before = made(idle, task)
    assert state(idle, twin) == {"task_id": twin, "state": "none"}
    other = {"TUSD_MEDIA__CRF": "45", "TUSD_MEDIA__KEEP_ORIGINAL": "always"}
    with running_worker(idle.data_dir, QUICK, **other):
        # The twin was complete at once and had no job.
        answer = again(idle, twin)
        assert (answer.status_code, answer.json()) == (202, {"task_id": twin, "state": "queued"})
        assert wait_until_ended(idle, twin) == {"task_id": twin, "state": "done"}
        after = made(idle, task)
        assert after["main"] == before["main"] == "web"
        assert after["renditions"][0]["size"] < before["renditions"][0]["size"]
        assert made(idle, twin)["renditions"][0]["hash"] == after["renditions"][0]["hash"]
        path = after["renditions"][0]["oss_path"]
        for each in (task, twin):
            wait_until(lambda each=each: idle.progress(each)["oss_path"] == path)
    assert original(idle, task) == source.read_bytes()
    assert rows(idle, "SELECT DISTINCT oss_path FROM file_upload_history") == [(path,)]
    assert not list((idle.data_dir / "work").iterdir())
    # What was made before has no reference any longer.
    (left,) = rows(idle, f"SELECT count(*) FROM renditions WHERE path = '{path}'")
    assert left == (0,)


@pytest.mark.parametrize("point", ["before_store", "before_record"])
def test_a_worker_that_is_killed_on_the_way_loses_nothing(
    idle: Server, tmp_path: Path, point: str
) -> None:
    rate = {"before_store": 12, "before_record": 13}[point]
    source = video(tmp_path / "clip.mp4", seconds=1.0, rate=rate)
    keep = {"TUSD_MEDIA__KEEP_ORIGINAL": "always"}
    with running_worker(idle.data_dir, QUICK, **keep):
        task = upload(idle, source)
        idle.wait_for_status(task, "completed")
    before = made(idle, task)
    assert again(idle, task).status_code == 202
    with running_worker(idle.data_dir, QUICK, **keep, TUSD_FAIL=f"{point}:exit") as process:
        assert process.wait(60) == 137
    assert idle.progress(task)["status"] == "completed"
    assert made(idle, task) == before
    assert original(idle, task) == source.read_bytes()
    with running_worker(idle.data_dir, QUICK, **keep):
        assert wait_until_ended(idle, task)["state"] == "done"
        wait_until(lambda: not (idle.data_dir / "work" / task).exists())
    assert made(idle, task)["main"] == "web"
    assert original(idle, task) == source.read_bytes()


def test_what_was_made_before_is_kept_when_it_can_not_be_made_again(
    idle: Server, tmp_path: Path
) -> None:
    source = video(tmp_path / "clip.mp4", seconds=1.0, rate=16)
    keep = {"TUSD_MEDIA__KEEP_ORIGINAL": "always"}
    with running_worker(idle.data_dir, QUICK, **keep):
        task = upload(idle, source)
        idle.wait_for_status(task, "completed")
    before = made(idle, task)
    broken = tmp_path / "ffmpeg"
    broken.write_text('#!/bin/sh\n[ "$1" = -version ] && exec ffmpeg "$@"\nkill -9 $$\n')
    broken.chmod(0o755)
    wrong = {"TUSD_MEDIA__FFMPEG": str(broken), "TUSD_MEDIA__SANDBOX": "off"}
    with running_worker(idle.data_dir, QUICK, **keep, **wrong):
        again(idle, task)
        ended = wait_until_ended(idle, task)
    assert (ended["state"], ended["code"]) == ("failed", "processing_failed")
    assert made(idle, task) == before
    assert idle.progress(task)["status"] == "completed"
    assert rows(idle, f"SELECT status FROM file_upload_history WHERE task_id = '{task}'") == [
        ("completed",)
    ]
    assert not list((idle.data_dir / "work").iterdir())
    # After the repair it is done.
    with running_worker(idle.data_dir, QUICK, **keep):
        again(idle, task)
        assert wait_until_ended(idle, task)["state"] == "done"


def test_a_film_that_was_kept_for_a_failure_of_its_program_is_made_later(
    idle: Server, tmp_path: Path
) -> None:
    source = video(tmp_path / "clip.mp4", seconds=0.5, size="1280x720", rate=17)
    with running_worker(idle.data_dir, QUICK, TUSD_MEDIA__MEMORY_LIMIT="40MiB"):
        task = upload(idle, source)
        done = idle.wait_for_status(task, "completed")
    assert done["note_codes"] == ["out_of_memory"]
    assert made(idle, task)["main"] == "original"
    with running_worker(idle.data_dir, QUICK, TUSD_MEDIA__KEEP_ORIGINAL="always"):
        again(idle, task)
        assert wait_until_ended(idle, task)["state"] == "done"
        assert made(idle, task)["main"] == "web"
        wait_until(lambda: idle.progress(task)["note_codes"] == [])
    assert original(idle, task) == source.read_bytes()


def test_what_can_not_be_processed_again_is_refused(idle: Server, tmp_path: Path) -> None:
    missing = again(idle, "0" * 32)
    assert (missing.status_code, missing.json()["code"]) == (404, "task_not_found")
    waiting = upload(idle, b"no worker takes it" * 10)
    refused = again(idle, waiting)
    assert (refused.status_code, refused.json()["code"]) == (409, "processing_already")
    source = video(tmp_path / "clip.mp4", seconds=1.0, rate=18)
    with running_worker(idle.data_dir, QUICK, TUSD_MEDIA__KEEP_ORIGINAL="never"):
        task = upload(idle, source)
        idle.wait_for_status(task, "completed")
        idle.wait_for_status(waiting, "completed")
    refused = again(idle, task)
    assert (refused.status_code, refused.json()["code"]) == (409, "original_missing")
    form = httpx.post(
        f"{idle.url}/api/file/upload/reprocess/{waiting}",
        headers={"Origin": "http://other.example"},
    )
    assert form.status_code == 403
    assert again(idle, waiting).status_code == 202
    assert again(idle, waiting).json()["code"] == "processing_already"
    delete(f"{idle.files}{waiting}")
    assert again(idle, waiting).status_code == 404


def test_a_user_may_do_it_a_limited_number_of_times(tmp_path: Path) -> None:
    env = {**QUICK, "TUSD_LIMITS__REPROCESSED_FILES": "2"}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        tasks = [upload(server, b"file %d" % number * 10) for number in range(3)]
        for task in tasks:
            server.wait_for_status(task, "completed")
        # What is refused for another reason is not counted.
        unfinished = task_id(create(server, 5))
        for missing in (unfinished, "0" * 32, unfinished):
            assert again(server, missing).status_code in (404, 409)
        answers = [again(server, task) for task in tasks]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert 0 < int(answers[2].headers["Retry-After"]) <= 43200
        with server.operator() as operator:
            sent = operator.post("/api/admin/reprocess", json={"id": tasks[2]})
            assert (sent.status_code, sent.json()) == (202, {"id": tasks[2]})


def test_the_command_takes_tasks_or_all_of_a_kind(idle: Server, tmp_path: Path) -> None:
    flags = ["--data-dir", str(idle.data_dir)]
    source = video(tmp_path / "clip.mp4", seconds=1.0, rate=19)
    with running_worker(idle.data_dir, QUICK):
        film, text = upload(idle, source), upload(idle, b"just text" * 9)
        for task in (film, text):
            idle.wait_for_status(task, "completed")
    chosen = tusd_py("reprocess", "--all", "--kind", "video", "--dry-run", *flags)
    assert film in chosen.stdout
    assert text not in chosen.stdout
    assert (
        film not in tusd_py("reprocess", "--all", "--older-than", "1d", "--dry-run", *flags).stdout
    )
    by_note = tusd_py("reprocess", "--all", "--note", "worker_died", "--dry-run", *flags)
    assert film not in by_note.stdout
    assert state(idle, text)["state"] == "none"
    assert f"{text} queued" in tusd_py("reprocess", text, *flags).stdout
    refused = tusd_py("reprocess", text, "0" * 32, "name.txt", *flags, check=False)
    assert refused.returncode == 1
    already, absent, no_id = refused.stderr.splitlines()
    assert already.startswith(f"tusd-py: {text} processing_already: ")
    assert absent.startswith(f"tusd-py: {'0' * 32} ")
    assert no_id == "tusd-py: name.txt is not the id of a task"
    assert state(idle, text)["state"] == "queued"
