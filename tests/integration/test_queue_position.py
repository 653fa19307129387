"""What a waiting user sees of the queue, by a real server without a worker."""

import json
from pathlib import Path

import httpx
from support.server import running_server
from support.tus import upload

FILM = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" + bytes(64)


def test_a_waiting_task_shows_how_many_jobs_are_before_it(tmp_path: Path) -> None:
    with running_server(tmp_path / "data", "--workers", "0") as server:
        first = upload(server, FILM + b"1", "first.mp4")
        second = upload(server, FILM + b"2", "second.mp4")
        text = upload(server, b"not a film", "a.txt")
        httpx.get(f"{server.url}/readyz")
        shown = [server.progress(task) for task in (first, second, text)]
        assert [task["status"] for task in shown] == ["received"] * 3
        assert [task["message"] for task in shown] == ["文件已接收"] * 3
        # A position may be two seconds old; all tasks existed when the first one was read.
        assert [task["queue_position"] for task in shown] == [0, 1, 0]
        events = f"{server.url}/api/file/upload/events/{second}"
        with httpx.stream("GET", events, timeout=30) as stream:
            lines = (line for line in stream.iter_lines() if line.startswith("data:"))
            assert json.loads(next(lines).removeprefix("data:"))["queue_position"] == 1
