"""Instant uploads by four unmodified clients: direct, and behind nginx by HTTP/1.1 and HTTP/2."""

import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import blake3
import httpx
import pytest
from support.clients import UPPY_PAGE, by_aiotus, by_tus_js, by_tuspy, by_uppy
from support.files import bytes_in
from support.metrics import metrics
from support.nginx import Nginx
from support.server import Server, running_server
from support.tus import head, task_id, upload
from support.waiting import wait_until

MIB = 1 << 20
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:Sending a large body:ResourceWarning"
)
CONTENT = random.Random(13).randbytes(9 * MIB + 5)
DECLARED = f"blake3:{blake3.blake3(CONTENT).hexdigest()}"


@dataclass
class Place:
    """A server that has the content in its pool, with nginx in front of it."""

    server: Server
    nginx: Nginx
    file: Path

    def endpoint(self, way: str) -> str:
        url = {"straight": self.server.url, "h1": self.nginx.plain_url, "h2": self.nginx.url}[way]
        return f"{url}/files/"

    def check(self, url: str, before: dict[str, float]) -> None:
        """Check that the new task is complete and none of its bytes was kept."""
        task = task_id(url)
        assert self.server.wait_for_status(task, "completed", "failed")["status"] == "completed"
        answer = head(f"{self.server.files}{task}")
        assert answer.headers["Upload-Instant"] == "1"
        assert int(answer.headers["Upload-Offset"]) == len(CONTENT)
        after = metrics(self.server.url)
        assert after["tusd_uploads_instant_total"] == before["tusd_uploads_instant_total"] + 1
        assert after["tusd_received_bytes_total"] == before["tusd_received_bytes_total"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("place")
    file = folder / "a.bin"
    file.write_bytes(CONTENT)
    flags = ("--workers", "1", "--behind-proxy")
    with running_server(folder / "data", *flags, env=UPPY_PAGE) as server:
        nginx = Nginx(server.port)
        try:
            nginx.start()
            server.wait_for_status(upload(server, CONTENT), "completed")
            yield Place(server, nginx, file)
        finally:
            nginx.close()


@pytest.mark.parametrize("way", ["straight", "h1"])
@pytest.mark.parametrize(
    "client",
    [
        by_tuspy,
        by_aiotus,
        by_tus_js,
        lambda *arguments: by_tus_js(*arguments, withCreation=True),
        by_uppy,
        lambda *arguments: by_uppy(*arguments, withCreation=True),
    ],
    ids=["tuspy", "aiotus", "tus-js", "tus-js with creation", "Uppy", "Uppy with creation"],
)
def test_a_client_that_knows_nothing_of_it_ends_in_success(
    place: Place, client: Callable[[str, Path, str], str], way: str
) -> None:
    before = metrics(place.server.url)
    place.check(client(place.endpoint(way), place.file, DECLARED), before)


@pytest.mark.parametrize("with_creation", [False, True])
def test_a_browser_over_http_2(place: Place, with_creation: bool) -> None:
    before, seen = metrics(place.server.url), len(place.nginx.seen())
    url = by_uppy(place.endpoint("h2"), place.file, DECLARED, withCreation=with_creation)
    place.check(url, before)
    requests = place.nginx.seen()[seen:]
    assert {protocol for protocol, *_ in requests} == {"HTTP/2.0"}


@pytest.mark.parametrize("protocol", ["tus-v1", "ietf-draft-05"])
def test_a_browser_goes_on_after_its_server_was_killed(tmp_path: Path, protocol: str) -> None:
    """The server is killed during a body of Uppy; after its restart the file arrives once."""
    file = tmp_path / "big.bin"
    content = random.Random(17).randbytes(48 * MIB)
    file.write_bytes(content)
    digest = f"blake3:{blake3.blake3(content).hexdigest()}"
    slow = {"TUSD_LIMITS__BYTES_PER_SECOND": "24MiB", **UPPY_PAGE}
    with running_server(tmp_path / "data", "--workers", "1", env=slow) as server:
        found: list[str] = []

        def send() -> None:
            found.append(by_uppy(server.files, file, digest, protocol=protocol))

        sending = threading.Thread(target=send)
        sending.start()

        def arrived() -> int:
            return bytes_in(server.data_dir / "uploads")

        wait_until(lambda: arrived() > 4 * MIB, timeout=60)
        server.kill()
        kept = arrived()
        assert 4 * MIB < kept < len(content)
        server.start()
        sending.join(120)
        assert len(found) == 1
        done = server.wait_for_status(task_id(found[0]), "completed", "failed")
        assert done["status"] == "completed"
        assert metrics(server.url)["tusd_received_bytes_total"] <= len(content) - kept
        got = httpx.get(f"{server.files}{task_id(found[0])}")
        assert got.content == content
        spoken = httpx.head(str(got.url)).headers
        assert ("Upload-Complete" in spoken) == (protocol != "tus-v1")
