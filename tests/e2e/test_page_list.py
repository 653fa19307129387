"""The page's list in a real Chromium: all files, found, deleted with a way back, right after every break."""

import os
import random
import sqlite3
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest
from support.media import video
from support.metrics import metrics
from support.migrated import put_catalog
from support.page import visiting
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import append, create, delete, head, task_id, upload
from support.waiting import wait_until
from support.workers import running_worker

from tusd_py.clock import SystemClock

MIB = 1 << 20
DAY = 86_400.0
READ = "tusd_http_requests_total,GET,/api/file/upload/tasks,2xx"
"""Figure of how often the list was read."""
SLOW_FILM = {"TUSD_MEDIA__PRESET": "slow", "TUSD_JOBS__RENEW_EVERY": "0.2"}


def put_files(data_dir: Path, names: Sequence[str], *, newest: float) -> None:
    """Put completed files into the catalog of a server that does not run, a minute between two.

    Args: newest: time of the first name in unix seconds.
    """
    put_catalog(data_dir)
    rows = [(uuid.uuid4().hex, newest - 60.0 * place, name) for place, name in enumerate(names)]
    with sqlite3.connect(data_dir / "catalog.sqlite3") as catalog:
        catalog.executemany(
            "INSERT INTO uploads"
            " (id, user_id, length, kind, state, parts, source_removed, created_at, filename)"
            " VALUES (?, 0, 1000000, 'regular', 'finished', '', 1, ?, ?)",
            rows,
        )
        catalog.executemany(
            "INSERT INTO file_upload_history"
            " (task_id, user_id, filename, file_size, status, created_at)"
            " VALUES (?, 0, ?, 1000000, 'completed', '2026-01-01 00:00:00.000000')",
            [(task, name) for task, _, name in rows],
        )


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    env = {"TUSD_MEDIA__PRESET": "ultrafast"}
    with running_server(tmp_path_factory.mktemp("data"), "--workers", "1", env=env) as running:
        yield running


@pytest.fixture(scope="module")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return video(tmp_path_factory.mktemp("film") / "film.mp4", seconds=20, size="1280x720")


def test_all_files_are_there_and_are_found(tmp_path: Path) -> None:
    now = SystemClock().now()
    names = [f"IMG_{number:04}.JPG" for number in range(240)] + ["old holiday.mp4"]
    put_files(tmp_path / "data", names, newest=now - 2 * DAY)
    yesterday = time.strftime("%Y-%m-%d", time.localtime(now - DAY))
    added = tmp_path / "added.bin"
    added.write_bytes(os.urandom(1000))
    with running_server(tmp_path / "data", "--workers", "1") as server, visiting(
        f"{server.url}/",
        ["text", "#count", "100 of 241 files"], ["scrolled", 241], ["text", "#count", "241 files"],
        # A file that comes while others are searched is not among them.
        ["fill", "#find [name=name]", "HOLIDAY"], ["rows", 1], ["text", "#count", "1 file"],
        ["add", str(added)], ["title", "Upload files"], ["text", "#sent", "1 file was sent."],
        ["rows", 1],
        ["fill", "#find [name=name]", ""], ["rows", 100],
        ["select", "#find [name=state]", "failed"], ["text", "#none", "Nothing found."],
        # A screen reader says so.
        ["attribute", "#none", "role", "status"],
        ["select", "#find [name=state]", ""], ["rows", 100],
        ["fill", "#find [name=from]", yesterday], ["rows", 1], ["text", "#tasks .name", "added.bin"],
    ) as visit:  # fmt: skip
        seen = visit.seen()
    everything = next(step["rows"] for step in seen if step.get("did") == "scrolled")
    assert [row["name"] for row in everything] == names


def test_a_long_list_gets_shorter_while_files_are_added_and_is_whole_at_its_end(
    tmp_path: Path,
) -> None:
    names = [f"IMG_{number:04}.JPG" for number in range(650)]
    put_files(tmp_path / "data", names, newest=SystemClock().now() - 2 * DAY)
    added = tmp_path / "added.bin"
    added.write_bytes(os.urandom(1000))
    with running_server(tmp_path / "data", "--workers", "1") as server, visiting(
        f"{server.url}/",
        ["scrolled", 650], ["text", "#count", "650 files"],
        ["script", "window.scrollTo(0, 0)"], ["add", str(added)],
        ["text", "#count", "501 of 651 files"], ["rows", 501],
        ["scrolled", 651], ["text", "#count", "651 files"],
    ) as visit:  # fmt: skip
        seen = visit.seen()
    everything = next(step["rows"] for step in reversed(seen) if step.get("did") == "scrolled")
    assert [row["name"] for row in everything] == ["added.bin", *names]


def test_a_file_is_deleted_after_a_time_in_which_it_can_be_had_back(server: Server) -> None:
    kept, gone, left = (
        upload(server, os.urandom(9), f"{name}.txt") for name in ("kept", "gone", "left")
    )
    for task in (kept, gone, left):
        server.wait_for_status(task, "completed")
    with visiting(
        f"{server.url}/",
        ["rows", 3],
        # By the mouse, and back by the keyboard: the focus is there.
        ["named", "button", "Delete kept.txt"], ["text", "#undo", "1 file will be deleted in 10 seconds."],
        ["focused", "Undo kept.txt"], ["key", "Enter"], ["focused", "Delete kept.txt"],
        ["named", "button", "Delete gone.txt"], ["ahead", 11], ["rows", 2],
        ["focused", "Delete kept.txt"], ["line"],
        ["named", "button", "Delete kept.txt"], ["named", "button", "Undo"],
        ["focused", "Delete kept.txt"], ["ahead", 60], ["rows", 2],
        ["offline", True], ["named", "button", "Delete kept.txt"], ["ahead", 11],
        ["text", "#tasks", "It could not be deleted."], ["offline", False],
        ["named", "button", "Delete left.txt"], ["leave"],
        clock=True,
    ) as visit:  # fmt: skip
        visit.wait_for_line()
        assert head(server.files + gone).status_code == 410
        visit.go_on()
        visit.seen()
    wait_until(lambda: head(server.files + left).status_code == 410, timeout=30)
    assert head(server.files + kept).status_code == 200
    assert delete(server.files + kept).status_code == 204


def test_several_files_are_deleted_at_once(server: Server) -> None:
    tasks = [upload(server, os.urandom(9), f"{number}.txt") for number in range(4)]
    for task in tasks:
        server.wait_for_status(task, "completed")
    with visiting(
        f"{server.url}/",
        ["rows", 4],
        ["named", "checkbox", "Select 1.txt"], ["named", "checkbox", "Select 3.txt"],
        ["text", "#remove-picked", "Delete 2"], ["accessible"],
        ["named", "button", "Delete 2"], ["text", "#undo", "2 files will be deleted"], ["accessible"],
        ["ahead", 11], ["rows", 2],
        ["named", "checkbox", "Select all"], ["named", "button", "Delete 2"], ["ahead", 11], ["rows", 0],
        ["text", "#none", "Nothing yet."],
        clock=True,
    ) as visit:  # fmt: skip
        seen = visit.seen()
    _, two, _ = (step["rows"] for step in seen if step.get("did") == "rows")
    assert [row["name"] for row in two] == ["2.txt", "0.txt"]
    assert [step["violations"] for step in seen if "violations" in step] == [[], []]


def test_what_never_ends_is_ended_by_hand(tmp_path: Path, long_film: Path) -> None:
    with running_server(tmp_path / "data", "--workers", "1", env=SLOW_FILM) as server:
        broken = create(server, 2_000_000, b"x" * 500_000, filename="broken.bin")
        film = upload(server, long_film)
        server.wait_for_status(film, "compressing")
        # No upload is new an hour after its creation.
        with sqlite3.connect(server.data_dir / "catalog.sqlite3") as catalog:
            catalog.execute(
                "UPDATE uploads SET created_at = created_at - 3600 WHERE length = 2000000"
            )
        with visiting(
            f"{server.url}/",
            ["until", "compressing"], ["until", "pending"],
            ["text", "#tasks [data-status=pending] .size", "500 kB of 2 MB"],
            ["text", "#tasks [data-status=pending] .status", "Interrupted"],
            ["text", "#tasks [data-status=pending] .message", "Choose the same file again"],
            ["named", "button", "Cancel broken.bin"], ["named", "button", "Stop film.mp4"],
            ["ahead", 11], ["rows", 0],
            clock=True,
        ) as visit:  # fmt: skip
            visit.seen()
        assert head(broken).status_code == head(server.files + film).status_code == 410
        # The worker is free for another file.
        server.wait_for_status(upload(server, b"next", "next.txt"), "completed")


def test_one_progress_says_how_far_a_file_is(tmp_path: Path) -> None:
    film, big = video(tmp_path / "film.mp4", seconds=3, size="640x360"), tmp_path / "big.bin"
    big.write_bytes(random.Random(5).randbytes(24_000_000))
    env = {"TUSD_LIMITS__BYTES_PER_SECOND": "2MiB", "TUSD_MEDIA__PRESET": "slow"}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server, visiting(
        f"{server.url}/",
        ["add", str(big)], ["title", "% · Upload files"],
        ["text", "#tasks .size", " of 24 MB"], ["text", ".uppy-Dashboard-Item-statusSize", "24 MB"],
        ["text", "#pace", " of 24 MB · "],
        ["until", "completed"], ["line"],
        # The file of another client.
        ["text", "[data-status=compressing] .status", " %"], ["title", "1 in progress"],
        ["until", "completed", 2], ["text", "#said", "film.mp4: Done"],
        ["text", "#tasks .size", " → "], ["text", "#tasks .size", " % smaller"],
    ) as visit:  # fmt: skip
        visit.wait_for_line()
        upload(server, film)
        visit.go_on()
        visit.seen()


@pytest.mark.parametrize("guarded", [False, True])
def test_the_list_is_right_after_a_break(tmp_path: Path, long_film: Path, guarded: bool) -> None:
    env = {**SLOW_FILM, **({"TUSD_AUTH__ACCESS_SECRET": SECRET} if guarded else {})}
    me = bearer(token(1)) if guarded else {}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        gone = upload(server, b"gone", "gone.txt", headers=me)
        arriving = create(server, 8, b"half", filename="half.txt", headers=me)
        film = upload(server, long_film, headers=me)
        with visiting(
            f"{server.url}/", *([["token", token(1)]] if guarded else []),
            ["until", "compressing"], ["rows", 3], ["offline", True], ["line"],
            ["offline", False], ["text", "#tasks .name", "added.txt"], ["until", "completed", 3],
        ) as visit:  # fmt: skip
            visit.wait_for_line()
            server.kill()
            server.env["TUSD_MEDIA__PRESET"] = "ultrafast"
            server.start()
            append(arriving, 4, b"full", **me)
            delete(server.files + gone, **me)
            added = upload(server, b"added", "added.txt", headers=me)
            for task in (film, added, task_id(arriving)):
                progress = f"{server.url}/api/file/upload/progress/{task}"
                wait_until(
                    lambda url=progress: httpx.get(url, headers=me).json()["status"] == "completed",
                    90,
                )
            visit.go_on()
            seen = visit.seen()
    assert [row["name"] for row in seen[-1]["rows"]] == ["added.txt", "film.mp4", "half.txt"]


def test_an_empty_page_says_what_may_be_sent(tmp_path: Path) -> None:
    env = {"TUSD_MAX_SIZE": "3GiB", "TUSD_WHITELIST__EXTENSIONS": "mp4,png"}
    note = ".uppy-Dashboard-note"
    with running_server(tmp_path / "data", "--workers", "0", env=env) as server:
        with visiting(
            f"{server.url}/",
            ["text", "#none", "Nothing yet."], ["text", note, "Files of up to 3.2 GB. Types: mp4, png."],
            ["text", ".uppy-Dashboard-AddFiles-title", "browse folders"],
        ) as visit:  # fmt: skip
            visit.seen()
        with visiting(
            f"{server.url}/",
            ["text", note, "单个文件最大 3.2 GB"], ["text", ".uppy-Dashboard-AddFiles-title", "选择文件"],
            context={"locale": "zh-CN", "viewport": {"width": 320, "height": 640}, "hasTouch": True, "isMobile": True},
        ) as phone:  # fmt: skip
            phone.seen()


def test_a_file_that_ends_while_its_row_is_read_is_shown_as_it_is(tmp_path: Path) -> None:
    newer = [f"{number}.bin" for number in range(199)]
    put_files(tmp_path / "data", newer, newest=SystemClock().now() + DAY)
    with running_server(tmp_path / "data", "--workers", "0") as server:
        # Its row is far from what is seen: of rows that are near the details are read.
        url = create(server, 2)
        with visiting(
            f"{server.url}/",
            ["rows", 100], ["line"], ["readMore"], ["line"], ["moreArrives"], ["rows", 200],
            ["until", "completed", 200],
        ) as visit:  # fmt: skip
            visit.wait_for_line()
            append(url, 0, b"ab")
            # The page has looked for its row at the head of the list.
            wait_until(lambda: metrics(server.url)[READ] == 2)
            visit.go_on()
            visit.wait_for_line()
            with running_worker(server.data_dir, {}):
                server.wait_for_status(task_id(url), "completed")
            visit.go_on()
            visit.seen()
