"""The original API, from outside."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.files import files_in
from support.media import video
from support.raw_http import connected
from support.server import Server
from support.tus import create, patch, task_id, upload
from support.waiting import wait_until
from websockets.sync.client import connect

API = "/api/file/upload"


def frames(response: httpx.Response) -> Iterator[tuple[str, str, str]]:
    """Yield (id, event, data) as they come, until the stream ends."""
    event_id, event, data = "", "message", ""
    for line in response.iter_lines():
        name, _, value = line.partition(": ")
        if name == "id":
            event_id = value
        elif name == "event":
            event = value
        elif name in ("data", "data:"):
            data = value
        elif not line and (data or event != "message"):
            yield event_id, event, data
            event_id, event, data = "", "message", ""


def test_a_form_upload_is_answered_at_once_and_followed_to_its_end(server: Server) -> None:
    answer = httpx.post(
        f"{server.url}{API}", files={"file": ("报告.bin", b"content" * 999)}, data={"x": "y"}
    )
    assert answer.status_code == 200
    body = answer.json()
    assert (body["status"], body["message"]) == ("received", "文件已接收，正在处理中")
    done = server.wait_for_status(body["task_id"], "completed")
    assert {"task_id", "status", "progress", "message", "repository_id", "oss_path"} <= set(done)
    assert (done["progress"], done["message"], done["filename"]) == (100, "上传完成", "报告.bin")
    assert done["file_size"] == 999 * 7
    assert str(done["created_at"]).endswith("Z")
    assert httpx.get(f"{server.files}{body['task_id']}").content == b"content" * 999


def test_a_form_with_known_content_is_complete_at_once(server: Server) -> None:
    content = b"known" * 100
    server.wait_for_status(upload(server, content), "completed")
    answer = httpx.post(f"{server.url}{API}", files={"file": ("again.bin", content)}).json()
    assert answer["status"] == "completed"
    assert answer["message"] == "文件已存在，秒传成功"
    assert answer["identity"]


@pytest.mark.parametrize(
    "kwargs",
    [
        {"content": b"no form"},
        {
            "content": b"x",
            "headers": {"Content-Type": f"multipart/form-data; boundary={'b' * 10_000}"},
        },
        {"data": {"other": "field"}},
        {"files": {"other": ("a.bin", b"x")}},
        {"files": [("file", ("a.bin", b"x")), ("file", ("b.bin", b"y"))]},
        {"files": {"file": ("", b"")}},
        {
            "content": b"--b\r\nnonsense",
            "headers": {"Content-Type": "multipart/form-data; boundary=b"},
        },
        {
            "content": (
                b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut off'
            ),
            "headers": {"Content-Type": "multipart/form-data; boundary=b"},
        },
    ],
)
def test_a_form_without_a_whole_file_is_refused_and_leaves_nothing(
    server: Server, kwargs: dict
) -> None:  # type: ignore[type-arg]
    answer = httpx.post(f"{server.url}{API}", **kwargs)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]
    assert answer.json()["code"] == "malformed_request"
    assert files_in(server.data_dir / "uploads") == []
    assert "Traceback" not in "\n".join(server.lines)


FORM_NAMES = {
    "": "",
    "a\x00b": "ab",
    "a\nb": "ab",
    "a\x1b[31mb": "a[31mb",
    "../../etc/passwd": ".._.._etc_passwd",
    "报" * 300: "报" * 85,
    "报" * 100 + ".bin": "报" * 83 + ".bin",
    "3.45\u202fPM.png": "3.45\u202fPM.png",
}


def test_a_form_takes_any_name_and_makes_it_safe(server: Server) -> None:
    for name, safe in FORM_NAMES.items():
        head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode()
        answer = httpx.post(
            f"{server.url}{API}",
            headers={"Content-Type": "multipart/form-data; boundary=b"},
            content=head + b'"\r\n\r\nof ' + name.encode() + b"\r\n--b--\r\n",
        )
        assert answer.status_code == 200, answer.text
        newest = httpx.get(f"{server.url}{API}/tasks").json()["tasks"][0]
        assert newest["filename"] == safe
        download = httpx.get(f"{server.files}{answer.json()['task_id']}")
        assert (download.status_code, download.content) == (200, b"of " + name.encode())
    assert "Traceback" not in "\n".join(server.lines)


def test_a_form_over_the_limit_is_refused_before_its_body(server: Server) -> None:
    head = f"POST {API} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {11 << 30}\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 30) as connection:
        connection.sendall(f"{head}Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode())
        answer = ""
        while "}" not in answer:
            answer += connection.recv(65536).decode()
    assert answer.startswith("HTTP/1.1 413 ")
    assert "文件过大，最大支持10GB" in answer


@pytest.mark.parametrize(
    "path", ["progress/{id}", "events/{id}", "progress/x", "progress/" + "0" * 31]
)
def test_what_is_not_there_is_not_found_in_the_seeds_words(server: Server, path: str) -> None:
    answer = httpx.get(f"{server.url}{API}/{path.format(id='0' * 32)}")
    assert answer.status_code == 404
    assert answer.json()["error"] == "任务不存在或已过期"


def test_tasks_are_listed_newest_first_in_pages(server: Server) -> None:
    tasks = [upload(server, bytes([n]) * 50, f"{n}.bin") for n in range(5)]
    first = httpx.get(f"{server.url}{API}/tasks?page=1&size=2").json()
    last = httpx.get(f"{server.url}{API}/tasks?page=3&size=2").json()
    assert (first["total"], first["page"], first["size"]) == (5, 1, 2)
    assert [entry["task_id"] for entry in first["tasks"]] == [tasks[4], tasks[3]]
    assert [entry["task_id"] for entry in last["tasks"]] == [tasks[0]]
    assert set(first["tasks"][0]) == {
        "task_id", "filename", "relative_path", "file_size", "status", "progress", "created_at",
    }  # fmt: skip


@pytest.mark.parametrize("query", ["page=0", "size=0", "size=101", "page=x", "size=-1", "page=+1"])
def test_a_page_that_can_not_be_is_refused(server: Server, query: str) -> None:
    assert httpx.get(f"{server.url}{API}/tasks?{query}").status_code == 400


def test_arrival_and_processing_come_on_one_stream_in_order(server: Server, tmp_path: Path) -> None:
    content = video(tmp_path / "clip.mp4", seconds=4.0, size="640x360").read_bytes()
    url = create(server, len(content), filename="clip.mp4")
    seen: list[dict[str, object]] = []

    def listen() -> None:
        with httpx.stream(
            "GET", f"{server.url}{API}/events/{task_id(url)}", timeout=60
        ) as response:
            assert response.headers["Content-Type"].startswith("text/event-stream")
            for event_id, event, data in frames(response):
                if event == "message":
                    seen.append({"id": event_id, **json.loads(data)})
                else:
                    seen.append({"id": event_id, "status": event})

    listener = threading.Thread(target=listen)
    listener.start()
    wait_until(lambda: seen)
    half = len(content) // 2
    patch(url, 0, content[:half])
    patch(url, half, content[half:])
    listener.join(60)
    assert not listener.is_alive()
    assert seen[-1]["status"] == "end"
    states = seen[:-1]
    assert states[0]["status"] == "pending"
    assert states[-1]["status"] == "completed"
    assert states[-1]["repository_id"]
    assert {"compressing", "uploading_oss"} <= {state["status"] for state in states}
    progress = [int(str(state["progress"])) for state in states]
    assert progress == sorted(progress)
    numbers = [int(str(state["id"]).partition(".")[2]) for state in states]
    assert numbers == sorted(set(numbers))
    assert len({str(state["epoch"]) for state in states}) == 1


def test_a_listener_that_comes_back_gets_no_state_twice(server: Server) -> None:
    task = upload(server, b"done" * 10)
    server.wait_for_status(task, "completed")
    url = f"{server.url}{API}/events/{task}"
    with httpx.stream("GET", url, timeout=30) as response:
        found = list(frames(response))
    assert [event for _, event, _ in found] == ["message", "end"]
    final_id = found[0][0]
    assert httpx.get(url, headers={"Last-Event-ID": final_id}).status_code == 204
    for stale in (
        "garbage",
        "ffff.1",
        final_id.partition(".")[0] + ".99999",
        final_id.partition(".")[0] + ".1",
    ):
        with httpx.stream("GET", url, headers={"Last-Event-ID": stale}, timeout=30) as response:
            assert [event for _, event, _ in frames(response)] == ["message", "end"]


def test_a_users_stream_has_events_of_all_their_tasks(server: Server) -> None:
    finished = threading.Event()
    seen: dict[str, str] = {}

    def listen() -> None:
        with httpx.stream("GET", f"{server.url}{API}/events", timeout=60) as response:
            for line in response.iter_lines():
                if line.startswith(":"):
                    started.set()
                if line.startswith("data: {"):
                    state = json.loads(line.removeprefix("data: "))
                    seen[state["task_id"]] = state["status"]
                    if sorted(seen.values()) == ["completed", "completed"]:
                        finished.set()
                        return

    started = threading.Event()
    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert started.wait(30)
    tasks = {upload(server, b"one" * 9), upload(server, b"two" * 9)}
    assert finished.wait(60)
    assert set(seen) == tasks


def test_a_websocket_gets_a_snapshot_each_change_and_a_clean_close(
    server: Server, tmp_path: Path
) -> None:
    content = video(tmp_path / "clip.mp4").read_bytes()
    url = create(server, len(content), filename="clip.mp4")
    address = f"{server.url.replace('http', 'ws')}{API}/ws/{task_id(url)}"
    with connect(address, open_timeout=30) as websocket:
        states = [json.loads(websocket.recv(30))]
        patch(url, 0, content)
        states += [json.loads(message) for message in websocket]
        assert websocket.close_code == 1000
    assert states[0]["status"] == "pending"
    assert states[-1]["status"] == "completed"
    assert states[-1]["repository_id"]
    assert all({"task_id", "status", "progress", "message"} <= set(state) for state in states)


def test_a_websocket_for_no_task_is_refused(server: Server) -> None:
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus) as refused:
        connect(f"{server.url.replace('http', 'ws')}{API}/ws/{'0' * 32}", open_timeout=30)
    assert refused.value.response.status_code in (403, 404)


def test_a_stopping_server_ends_its_streams(server: Server) -> None:
    started, ended = threading.Event(), threading.Event()

    def listen() -> None:
        with httpx.stream("GET", f"{server.url}{API}/events", timeout=60) as response:
            try:
                for _ in response.iter_lines():
                    started.set()
            except httpx.TransportError:
                pass
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    assert started.wait(30)
    assert server.stop() == 0
    assert ended.wait(30)


def test_a_head_during_the_last_patch_never_answers_404(server: Server) -> None:
    """Content that is held already leaves no file at its finish.

    A client that gets 404 would start at zero.

    """
    content = os.urandom(2000)
    server.wait_for_status(upload(server, content), "completed")
    with connected(server.url) as sender, connected(server.url) as asker:
        for _ in range(30):
            url = sender.create(server.files, len(content))
            sender.send(sender.patch(url, 0, len(content)), content)
            asker.send(asker.request("HEAD", url))
            answer = asker.answer(to_head=True)
            assert answer.status == 200
            assert answer.headers["upload-offset"] in ("0", str(len(content)))
            assert sender.answer().status == 204


def test_a_page_watches_a_body_without_ending_it(server: Server) -> None:
    content = os.urandom(200_000)
    with connected(server.url) as sender:
        url = sender.create(server.files, len(content))
        progress = f"{server.url}{API}/progress/{task_id(url)}"
        assert httpx.get(progress).json()["offset"] == 0
        sender.send(sender.patch(url, 0, len(content)), content[:150_000])
        wait_until(lambda: httpx.get(progress).json()["offset"] == 150_000)
        sender.send(content[150_000:])
        assert sender.answer().status == 204
    server.wait_for_status(task_id(url), "completed")
    assert "offset" not in httpx.get(progress).json()


def test_a_file_of_the_page_that_the_client_has_is_not_sent_again(server: Server) -> None:
    url = f"{server.url}/page/page.css"
    tag = httpx.get(url).headers["ETag"]
    # A proxy that compresses makes the tag a weak one.
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = httpx.get(url, headers={"If-None-Match": condition})
        assert (answer.status_code, answer.content) == (304, b""), condition
    assert httpx.get(url, headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_head_of_a_stream_opens_none(server: Server) -> None:
    """The connection is free for the next request."""
    task = task_id(create(server, 5))
    with httpx.Client(timeout=20) as client:
        for path in (f"{API}/events", f"{API}/events/{task}"):
            head = client.head(f"{server.url}{path}")
            assert head.status_code == 200
            assert head.headers["Content-Type"].startswith("text/event-stream")
            assert client.get(f"{server.url}/healthz").status_code == 200
