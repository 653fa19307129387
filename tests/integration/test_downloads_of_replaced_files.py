"""Downloads by our client while a real server's file is replaced between the parts."""

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from support.breaking_proxy import BreakingProxy
from support.hostile_clients import TASK
from support.media import video
from support.nginx import Nginx
from support.server import running_server
from support.tus import upload
from support.waiting import wait_until
from support.workers import running_worker

from tusd_py.client import Client, Options, Refused
from tusd_py.client.resume_store import ResumeStore

OLD = os.urandom(300_000)
NEW = {
    "same length": os.urandom(300_000),
    "longer": os.urandom(500_000),
    "shorter": os.urandom(200_000),
    "shorter than what has arrived": os.urandom(50_000),
    "empty": b"",
}
CUT_AFTER = 120_000


@contextmanager
def replaced(tmp_path: Path, *versions: bytes) -> Iterator[tuple[Client, Callable[[], list[str]]]]:
    """Serve the first version; each pause of the client puts the next one in its place.

    Yields the client, and the statuses of nginx's answers.
    """
    served = tmp_path / "served"
    served.mkdir()
    rest, times = iter(versions), itertools.count(1_000_000_000, 100)

    def put_next() -> None:
        with suppress(StopIteration):
            draft = tmp_path / "draft"
            draft.write_bytes(next(rest))
            # nginx makes its strong ETag of size and modification time.
            os.utime(draft, (0, next(times)))
            draft.replace(served / TASK)

    put_next()
    nginx = Nginx(1, f"location /files/ {{ alias {served}/; }}\n")
    nginx.start()
    proxy = BreakingProxy(nginx.plain_port, cut_after=[CUT_AFTER] * 3, answers=True)
    options = Options(
        resume_store=ResumeStore(tmp_path / "state"),
        longest_pause=0.01,
        on_pause=lambda _: put_next(),
    )
    try:
        with Client(f"http://127.0.0.1:{proxy.port}/files/", options=options) as client:
            log = nginx.directory / "access.log"
            yield client, lambda: [line.split()[2] for line in log.read_text().splitlines()]
    finally:
        proxy.close()
        nginx.kill()


def test_a_file_below_a_mebibyte_goes_on_where_it_was_cut(tmp_path: Path) -> None:
    with replaced(tmp_path, OLD) as (client, statuses):
        target = client.download(client.known_upload(TASK), tmp_path / "back")
        assert target.read_bytes() == OLD
        # nginx logs a request once it has sent all of the answer, or found its connection closed.
        wait_until(lambda: len(statuses()) == 3)
        assert statuses() == ["200", "206", "206"]


@pytest.mark.parametrize("kind", NEW)
def test_the_bytes_are_those_of_one_version(tmp_path: Path, kind: str) -> None:
    with replaced(tmp_path, OLD, NEW[kind]) as (client, statuses):
        target = client.download(client.known_upload(TASK), tmp_path / "back")
        assert target.read_bytes() == NEW[kind]
        wait_until(lambda: len(statuses()) > 1)
        assert statuses()[:2] == ["200", "200"]


def test_a_file_that_is_replaced_at_each_part_ends_as_its_last_version(tmp_path: Path) -> None:
    versions = [OLD, NEW["longer"], NEW["same length"], NEW["shorter"]]
    with replaced(tmp_path, *versions) as (client, _):
        target = client.download(client.known_upload(TASK), tmp_path / "back")
        assert target.read_bytes() == versions[-1]


def test_a_stream_that_would_have_to_restart_gets_no_mixture(tmp_path: Path) -> None:
    piped = tmp_path / "piped"
    with (
        replaced(tmp_path, OLD, NEW["longer"]) as (client, _),
        piped.open("wb") as stream,
        pytest.raises(Refused, match="restart"),
    ):
        client.download_to(client.known_upload(TASK), stream)
    assert OLD.startswith(piped.read_bytes())


def test_a_film_that_the_worker_replaces_meanwhile_arrives_in_one_version(tmp_path: Path) -> None:
    """Ten downloads are cut at different places, before a worker replaces the film."""
    film = video(tmp_path / "film.mp4", seconds=4, size="320x240")
    # More than one read of the proxy is left behind each place.
    places = [film.stat().st_size * part // 20 for part in range(1, 11)]
    assert film.stat().st_size > 4 * 65536
    begun, replaced_by_worker = threading.Semaphore(0), threading.Event()
    with (
        running_server(tmp_path / "data", "--workers", "0") as server,
        ThreadPoolExecutor(len(places)) as threads,
    ):
        task = upload(server, film)

        def wait_for_the_worker(_: object) -> None:
            begun.release()
            assert replaced_by_worker.wait(120)

        def cut_and_continued(place: int) -> bytes:
            proxy = BreakingProxy(server.port, cut_after=[place], answers=True)
            options = Options(
                resume_store=ResumeStore(tmp_path / f"state {place}"),
                longest_pause=0.01,
                on_pause=wait_for_the_worker,
            )
            url = f"http://127.0.0.1:{proxy.port}/files/"
            with Client(url, options=options) as client:
                target = client.download(client.known_upload(task), tmp_path / f"back {place}")
            assert proxy.cuts_made == 1
            proxy.close()
            return target.read_bytes()

        downloads = [threads.submit(cut_and_continued, place) for place in places]
        for _ in downloads:
            assert begun.acquire(timeout=60)
        with running_worker(server.data_dir, {}), Client(server.files) as client:
            *_, last = client.follow(client.known_upload(task))
        replaced_by_worker.set()
        smaller = httpx.get(f"{server.files}{task}").content
        assert (last["status"], len(smaller) < film.stat().st_size) == ("completed", True)
        assert [download.result() == smaller for download in downloads] == [True] * 10
