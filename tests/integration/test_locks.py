"""A request for an upload that another connection holds in silence."""

import concurrent.futures
from contextlib import suppress

import blake3
import httpx
from support.files import bytes_in
from support.raw_http import silent_patch
from support.server import Server
from support.tus import append, create, delete, head, offset, patch, task_id
from support.waiting import wait_until


def wait_until_begun(server: Server, url: str) -> None:
    """Wait for the first byte of a PATCH: of several processes the next request may be first."""
    wait_until(lambda: server.file_of(url).stat().st_size > 0)


def test_a_head_takes_over_from_a_silent_patch_with_every_byte_that_had_arrived(
    server: Server,
) -> None:
    for round_ in range(20):
        url = create(server, 1000)
        with silent_patch(url, 0, 1000, b"\0") as silent:
            wait_until_begun(server, url)
            silent.send(bytes(99 + round_))
            answer = head(url)
            assert (answer.status_code, answer.headers["Upload-Offset"]) == (200, str(100 + round_))
            assert silent.answer().status == 423


def test_nothing_that_a_superseded_connection_sends_later_counts(server: Server) -> None:
    content = bytes(range(200))
    url = create(server, 200)
    with silent_patch(url, 0, 200, content[:50]) as stale:
        wait_until_begun(server, url)
        assert offset(url) == 50
        append(url, 50, content[50:])
        with suppress(OSError):
            stale.send(b"x" * 150)
    server.wait_for_status(task_id(url), "completed")
    assert httpx.get(url).content == content


def test_many_writers_at_one_offset_make_one_file(server: Server) -> None:
    size = 1 << 18
    url = create(server, size)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: patch(url, 0, bytes([n]) * size).status_code, range(8)))
    assert set(answers) <= {204, 409, 413, 423}
    assert answers.count(204) <= 1
    reached = offset(url)
    if reached < size:
        append(url, reached, bytes(size - reached))
    server.wait_for_status(task_id(url), "completed")
    assert len(httpx.get(url).content) == size


def test_a_delete_ends_a_silent_patch(server: Server) -> None:
    url = create(server, 1000)
    with silent_patch(url, 0, 1000, bytes(10)):
        wait_until_begun(server, url)
        assert delete(url).status_code == 204
    assert head(url).status_code == 410


def test_a_stopping_server_keeps_what_a_silent_patch_had_sent(server: Server) -> None:
    content = b"k" * 5000
    url = create(server, 9000)
    with silent_patch(url, 0, 9000, content) as silent:
        # The bytes are in the file before the server gets the signal to stop.
        data = server.data_dir / "uploads"
        wait_until(lambda: bytes_in(data) == 5000)
        assert server.stop() == 0
        assert silent.answer().status == 503
    server.start()
    assert offset(url) == 5000
    append(url, 5000, b"z" * 4000)
    server.wait_for_status(task_id(url), "completed")
    assert (
        blake3.blake3(httpx.get(url).content).digest()
        == blake3.blake3(content + b"z" * 4000).digest()
    )
