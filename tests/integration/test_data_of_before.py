"""The data of an earlier version (tests/fixtures) is opened and used by HTTP and commands."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.account import Account
from support.cluster import FAST, Cluster
from support.kept_data import manifest, restore_directory, restore_mysql, restore_redis
from support.server import running_server
from support.services import MariaDb, RabbitMq, Redis
from support.tus import task_id
from support.waiting import wait_until
from support.workers import running_worker

SPARE_BYTES = 1000
"""Bytes that the owner may still store when the data is opened."""


@dataclass
class Opened:
    """A deployment with the kept data, and its answers before it had a worker."""

    kept: dict[str, Any]
    data: Path
    env: Mapping[str, str]
    me: Account
    other: Account
    heads: dict[str, tuple[int, Mapping[str, str]]]
    tasks: list[dict[str, Any]]
    tasks_of_other: list[dict[str, Any]]
    quota_answers: tuple[int, int]
    dead_letters: str

    def dead_letter(self, *arguments: str) -> str:
        return _dead_letters(self.data, self.env, *arguments)


def _dead_letters(data: Path, env: Mapping[str, str], *arguments: str) -> str:
    command = [sys.executable, "-m", "tusd_py", "dead-letters", *arguments]
    done = subprocess.run(
        [*command, "--data-dir", str(data)],
        env={**os.environ, **env}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _settings(about: dict[str, Any], kept: dict[str, Any]) -> dict[str, str]:
    return {
        **FAST,
        "TUSD_AUTH__ACCESS_SECRET": about["secret"],
        "TUSD_LIMITS__STORED_BYTES": str(kept["usage_bytes"] + SPARE_BYTES),
    }


def _quota_answers(me: Account) -> tuple[int, int]:
    """Return the status codes of an upload of one byte too many, and of one that just fits."""
    too_much = me.post(SPARE_BYTES + 1)
    fits = me.post(SPARE_BYTES)
    if fits.status_code == 201:
        me.delete(task_id(fits.headers["Location"]))
    return too_much.status_code, fits.status_code


def _all_uploads(kept: dict[str, Any]) -> dict[str, Any]:
    return {**kept["uploads"], "final": kept["final"], "deleted": kept["deleted"]}


@pytest.fixture(scope="module", params=["embedded", "distributed"])
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    about = manifest()
    kept = about[request.param]
    data = tmp_path_factory.mktemp(request.param) / "data"
    restore_directory(request.param, data, kept["made_at"])
    with ExitStack() as stack:
        if request.param == "embedded":
            env = _settings(about, kept)
            server = stack.enter_context(running_server(data, "--workers", "0", env=env))
        else:
            mariadb: MariaDb = request.getfixturevalue("mariadb")
            view: Redis = request.getfixturevalue("redis_server")
            rabbitmq: RabbitMq = request.getfixturevalue("rabbitmq")
            view.clear()
            cluster = Cluster(data, mariadb, view, rabbitmq)
            stack.callback(cluster.close)
            cluster.env |= _settings(about, kept)
            env = cluster.env
            name = env["TUSD_MYSQL__DATA_SOURCE"].rpartition("/")[2].partition("?")[0]
            restore_mysql(mariadb, name, kept["made_at"])
            restore_redis(view, kept["made_at"])
            server = cluster.add_server()
        me = stack.enter_context(closing(Account(server.url, about["user"])))
        other = stack.enter_context(closing(Account(server.url, about["other"])))
        heads = {name: me.head(one["id"]) for name, one in _all_uploads(kept).items()}
        tasks = me.tasks()
        quota_answers = _quota_answers(me)
        found = Opened(
            kept=kept, data=data, env=env, me=me, other=other,
            heads={name: (head.status_code, head.headers) for name, head in heads.items()},
            tasks=tasks, tasks_of_other=other.tasks(),
            quota_answers=quota_answers,
            dead_letters=_dead_letters(data, env, "list"),
        )  # fmt: skip
        stack.enter_context(running_worker(data, env))
        yield found


def test_uploads_are_where_they_were(opened: Opened) -> None:
    for name, upload in _all_uploads(opened.kept).items():
        status, headers = opened.heads[name]
        fields = {field: headers.get(field) for field in upload["head"]["fields"]}
        assert (name, status, fields) == (name, upload["head"]["status"], upload["head"]["fields"])


def test_tasks_are_listed_with_their_states(opened: Opened) -> None:
    """A file that was deleted is not listed any longer (decision 49)."""
    expected = [task for task in opened.kept["tasks"] if task["filename"] != "deleted.bin"]
    assert len(expected) == len(opened.kept["tasks"]) - 1
    assert opened.tasks == expected
    assert {task["status"] for task in opened.tasks} == {
        "pending", "received", "failed", "completed",
    }  # fmt: skip
    assert opened.tasks_of_other == opened.kept["tasks_of_other"]


def test_usage_is_what_it_was_to_the_byte(opened: Opened) -> None:
    assert opened.quota_answers == (413, 201)


def test_half_an_upload_is_gone_on_with(opened: Opened) -> None:
    _finish(opened, opened.kept["uploads"]["half"])


def test_an_upload_of_deferred_length_is_gone_on_with(opened: Opened) -> None:
    upload = opened.kept["uploads"]["deferred"]
    _finish(opened, upload, Upload_Length=str(len(upload["content"])))


def _finish(opened: Opened, upload: dict[str, Any], **headers: str) -> None:
    """Send the rest and wait for the file."""
    rest = upload["content"].encode()[upload["offset"] :]
    opened.me.append(upload["id"], upload["offset"], rest, **headers)
    _arrived(opened, upload["id"], upload["content"], upload["blake3"])


def _arrived(opened: Opened, task: str, content: str, blake3: str | None = None) -> None:
    done = opened.me.settled(task)
    assert done["status"] == "completed", done
    assert opened.me.get(f"/files/{task}").content == content.encode()
    if blake3 is not None:
        assert opened.me.renditions(task)["file_hash"] == blake3


def test_a_final_upload_is_completed_by_its_last_part(opened: Opened) -> None:
    final, part = opened.kept["final"], opened.kept["uploads"]["part_half"]
    rest = part["content"].encode()[part["offset"] :]
    opened.me.append(part["id"], part["offset"], rest)
    _arrived(opened, final["id"], final["content"])


def test_a_queued_file_is_processed(opened: Opened) -> None:
    queued = opened.kept["queued"]
    _arrived(opened, queued["id"], queued["content"], queued["blake3"])


def test_the_file_of_the_embedded_queue_is_gone(opened: Opened) -> None:
    assert not list(opened.data.glob("queue.sqlite3*"))


def test_a_failed_job_is_listed_and_tried_again(opened: Opened) -> None:
    failed = opened.kept["failed"]
    (line,) = opened.dead_letters.splitlines()
    assert line.startswith(failed["id"])
    assert failed["error_code"] in line
    assert failed["id"] in opened.dead_letter("retry", failed["id"])
    wait_until(lambda: opened.me.progress(failed["id"])["status"] == "completed")
    _arrived(opened, failed["id"], failed["content"])
    assert opened.dead_letter("list") == ""


def test_files_and_their_renditions_are_what_they_were(opened: Opened) -> None:
    for file in opened.kept["files"].values():
        listed = opened.me.renditions(file["id"])
        assert (listed["file_hash"], listed["facts"]) == (file["file_hash"], file["facts"])
        content = opened.me.get(f"/files/{file['id']}")
        assert hashlib.sha256(content.content).hexdigest() == file["sha256"]
        for rendition in file["renditions"].values():
            answer = opened.me.get(rendition["url"])
            assert hashlib.sha256(answer.content).hexdigest() == rendition["sha256"]
        assert {
            one["name"]: (one["url"], one["content_type"])
            for one in listed["renditions"]
            if one["name"] != listed["main"]
        } == {name: (one["url"], one["content_type"]) for name, one in file["renditions"].items()}


def test_files_are_their_owners_alone(opened: Opened) -> None:
    theirs, mine = opened.kept["other_file"], opened.kept["files"]["text"]
    assert opened.other.get(f"/files/{theirs['id']}").content == theirs["content"].encode()
    assert opened.me.get(f"/files/{theirs['id']}").status_code == 404
    assert opened.other.get(f"/files/{mine['id']}").status_code == 404


def test_declared_content_of_a_stored_file_need_not_be_sent(opened: Opened) -> None:
    file = opened.kept["files"]["text"]
    created = opened.me.post(file["size"], filehash=f"blake3:{file['file_hash']}")
    assert (created.status_code, created.headers["Upload-Offset"]) == (201, str(file["size"]))
    assert opened.me.get(created.headers["Location"]).content == (
        opened.me.get(f"/files/{file['id']}").content
    )
