"""Downloads by our client while a real server's file is replaced between the parts."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.breaking_proxy import BreakingProxy
from support.hostile_clients import TASK
from support.nginx import Nginx

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
        assert statuses() == ["200", "206", "206"]


@pytest.mark.parametrize("kind", NEW)
def test_the_bytes_are_those_of_one_version(tmp_path: Path, kind: str) -> None:
    with replaced(tmp_path, OLD, NEW[kind]) as (client, statuses):
        target = client.download(client.known_upload(TASK), tmp_path / "back")
        assert target.read_bytes() == NEW[kind]
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
