"""How many bytes an attacker stores beyond a quota and the largest size, by each way."""

import os
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from support.files import bytes_in, files_in
from support.server import Server, running_server
from support.tus import append, chunk, create, delete, head, offset, patch, post, task_id
from support.waiting import wait_until

MIB = 1 << 20
QUOTA, MAX_SIZE = 3 * MIB, 2 * MIB
LIMITS = {
    "TUSD_LIMITS__STORED_BYTES": str(QUOTA),
    "TUSD_MAX_SIZE": str(MAX_SIZE),
    "TUSD_LIMITS__PARTS": "50",
    "TUSD_LIMITS__STORED_FILES": "20",
}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("limits") / "data"
    with running_server(data, "--workers", "0", env=LIMITS) as server:
        yield server


@pytest.fixture
def server(started: Server) -> Iterator[Server]:
    """Run a server whose one user has no files."""
    yield started
    for path in files_in(started.data_dir / "uploads"):
        if not path.suffix:
            delete(f"{started.files}{path.name}")


def on_disk(server: Server) -> int:
    """Return the bytes of all data files."""
    return bytes_in(server.data_dir / "uploads")


def pieces(count: int, size: int = 256 << 10) -> Iterator[bytes]:
    """Yield a body that is sent as chunks: its length is not known beforehand."""
    for _ in range(count):
        yield bytes(size)


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


REFUSED = (413, "quota_exceeded")


def test_bytes_of_unknown_length_count_as_they_come(server: Server) -> None:
    urls = [create(server, None) for _ in range(3)]
    answers = [patch(url, 0, bytes(int(1.5 * MIB))) for url in urls]
    assert [answer.status_code for answer in answers[:2]] == [204, 204]
    assert code(answers[2]) == REFUSED
    assert on_disk(server) == QUOTA
    assert offset(urls[2]) == 0, "there was no room left"
    assert delete(urls[0]).status_code == 204
    append(urls[2], 0, bytes(MIB))  # Deleting makes room.


@pytest.mark.parametrize("lent", [True, False])
def test_a_body_is_refused_at_the_quota_and_what_had_room_stays(server: Server, lent: bool) -> None:
    first, second = create(server, None), create(server, None)
    append(first, 0, bytes(int(1.5 * MIB)))
    size = int(1.75 * MIB)
    body = bytes(size) if lent else pieces(7)
    assert code(patch(second, 0, body)) == REFUSED
    assert offset(second) == int(1.5 * MIB)
    assert on_disk(server) == QUOTA


def test_small_bodies_that_arrive_whole_count_too(server: Server) -> None:
    url = create(server, None)
    with httpx.Client() as client:
        for at in range(0, MAX_SIZE, 64 << 10):
            sent = client.patch(url, headers=chunk(at), content=bytes(64 << 10))
            assert sent.status_code == 204
    other = create(server, None)
    append(other, 0, bytes(MIB - 100))
    assert code(patch(other, MIB - 100, bytes(101))) == REFUSED
    assert offset(other) == MIB


def test_a_checked_body_beyond_the_quota_leaves_nothing_of_it_and_its_room_is_free(
    server: Server,
) -> None:
    import base64
    import hashlib

    url = create(server, None)
    digest = base64.b64encode(hashlib.sha1(bytes(MAX_SIZE)).digest()).decode()
    append(create(server, None), 0, bytes(int(1.5 * MIB)))
    refused = patch(url, 0, bytes(MAX_SIZE), Upload_Checksum=f"sha1 {digest}")
    assert code(refused) == REFUSED
    assert offset(url) == 0
    append(url, 0, bytes(int(1.5 * MIB)))


def test_creations_with_bytes_of_unknown_length_leave_nothing_when_refused(server: Server) -> None:
    for body in (bytes(MAX_SIZE), pieces(8)):
        made = post(server, None, body)
        if made.status_code == 201:
            kept = made.headers["Location"]
            continue
        assert code(made) == REFUSED
    assert on_disk(server) == MAX_SIZE
    create(server, None, bytes(100))
    assert delete(kept).status_code == 204


def test_a_form_counts_at_every_byte(server: Server) -> None:
    """It never has more on the disk than the quota, and nothing once it is refused."""
    append(create(server, None), 0, bytes(MAX_SIZE))
    held = on_disk(server)
    seen: list[int] = []

    def form() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        for piece in pieces(8):
            yield piece
            seen.append(on_disk(server))
        yield b"\r\n--b--\r\n"

    refused = httpx.post(
        f"{server.url}/api/file/upload",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
        content=form(),
        timeout=60,
    )
    assert code(refused) == REFUSED
    assert max(seen) <= QUOTA
    wait_until(lambda: on_disk(server) == held)


@pytest.mark.parametrize("way", ["patch", "post", "form"])
def test_nothing_is_larger_than_the_largest_size(server: Server, way: str) -> None:
    if way == "patch":
        answer = patch(create(server, None), 0, pieces(9))
    elif way == "post":
        answer = post(server, None, pieces(9))
    else:
        files = {"file": ("x", bytes(MAX_SIZE + 1))}
        answer = httpx.post(f"{server.url}/api/file/upload", files=files, timeout=60)
    assert code(answer) == (413, "max_size_exceeded")
    assert on_disk(server) <= MAX_SIZE


def test_a_length_that_is_declared_late_keeps_both_limits(server: Server) -> None:
    url, other = create(server, None), create(server, None)
    append(url, 0, bytes(MIB))
    append(other, 0, bytes(MIB))
    late = patch(url, MIB, b"x", Upload_Length=str(MAX_SIZE + 1))
    assert code(late) == (413, "max_size_exceeded")
    append(url, MIB, b"x", Upload_Length=str(MAX_SIZE))  # It just fits.
    assert code(patch(other, MIB, b"x", Upload_Length=str(MIB + 1))) == REFUSED
    assert on_disk(server) == 2 * MIB + 1


def test_many_bodies_at_once_have_no_more_than_one(server: Server) -> None:
    urls = [create(server, None) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda url: patch(url, 0, bytes(MIB)), urls))
    assert on_disk(server) <= QUOTA
    refused = [answer for answer in answers if answer.status_code != 204]
    assert len(refused) >= 5
    assert {code(answer) for answer in refused} == {REFUSED}
    for url in urls:
        assert head(url).status_code == 200, "the bytes that had room are there"


def test_a_body_that_breaks_off_gives_back_what_it_did_not_use(server: Server) -> None:
    url = create(server, None)
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            f"PATCH /files/{task_id(url)} HTTP/1.1\r\nHost: {host}:{port}\r\n"
            "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nContent-Length: 2000000\r\n"
            "Content-Type: application/offset+octet-stream\r\n\r\n".encode()
        )
        connection.sendall(bytes(1_000_000))
        wait_until(lambda: on_disk(server) == 1_000_000)
    wait_until(lambda: offset(url) == 1_000_000)
    for size in (MAX_SIZE, QUOTA - 1_000_000 - MAX_SIZE):
        create(server, size)


def partial(server: Server, body: bytes | None = None) -> str:
    """Create a part of deferred length, or a whole one."""
    return create(server, None if body is None else len(body), body, concat="partial")


def join(server: Server, *parts: str) -> httpx.Response:
    return post(server, None, concat=f"final;{' '.join(parts)}")


@pytest.mark.parametrize(
    ("size", "code_"), [(MIB + 1, "max_size_exceeded"), (MIB, "quota_exceeded")]
)
def test_a_final_upload_of_deferred_parts_keeps_both_limits(
    server: Server, size: int, code_: str
) -> None:
    """Its size is known when its parts are there.

    One that is too large is rejected, and its task has the reason.
    """
    part = partial(server)
    if code_ == "quota_exceeded":
        create(server, MIB + 1)
    final = join(server, part, part)
    assert final.status_code == 201, final.text
    append(part, 0, bytes(size), Upload_Length=str(size))
    url = final.headers["Location"]
    assert head(url).status_code == 410
    task = server.progress(task_id(url))
    assert (task["status"], task["error_code"]) == ("failed", code_), task
    assert on_disk(server) == size


def test_a_final_upload_that_keeps_both_limits_is_made_of_parts_named_twice(server: Server) -> None:
    part = partial(server)
    url = join(server, part, part).headers["Location"]
    content = os.urandom(MIB)
    append(part, 0, content, Upload_Length=str(MIB))
    assert httpx.get(url).content == content * 2
    for size, answer in ((QUOTA - MAX_SIZE + 1, 413), (QUOTA - MAX_SIZE, 201)):
        assert post(server, size).status_code == answer


def test_what_is_known_of_the_parts_is_refused_at_once(server: Server) -> None:
    whole, unknown = partial(server, bytes(MIB)), partial(server)
    refused = join(server, whole, whole, whole, unknown)
    assert code(refused) == (413, "max_size_exceeded")
    assert join(server, whole, unknown, whole).status_code == 201


def test_many_small_parts_are_refused_by_their_number(server: Server) -> None:
    part = partial(server, bytes(10))
    refused = join(server, *[part] * 51)
    assert code(refused) == (413, "too_many_parts")
    assert refused.json()["error"] == "分片数量过多"
    made = join(server, *[part] * 50)
    assert made.status_code == 201
    assert offset(made.headers["Location"]) == 500


def test_files_without_bytes_are_counted(server: Server) -> None:
    urls = [create(server, 0) for _ in range(20)]
    form = {"file": ("x", b"")}
    for refused in (
        post(server, 0),
        post(server, None),
        httpx.post(f"{server.url}/api/file/upload", files=form),
    ):
        assert code(refused) == (413, "too_many_files")
        assert refused.json()["error"] == "文件数量已达上限"
    assert delete(urls[0]).status_code == 204
    create(server, 0)
