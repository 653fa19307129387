"""A server whose objects are in OSS or S3: what its users get (requirements S4, S25)."""

import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import blake3
import httpx
import pytest
from support.oss.configured import environment_of
from support.oss.server import OssServer
from support.s3 import KEY_ID, S3Server
from support.s3 import REGION as S3_REGION
from support.s3 import SECRET as S3_SECRET
from support.server import Server, running_server
from support.tus import upload

CONTENT = b"\x89PNG and so on" * 1000
FAST = {"TUSD_JOBS__RELAY_EVERY": "0.1s"}


@pytest.fixture
def oss(tmp_path: Path) -> Iterator[dict[str, str]]:
    server = OssServer(tmp_path / "oss").start()
    yield environment_of(server.url)
    server.close()


@pytest.fixture
def s3(s3_server: S3Server) -> dict[str, str]:
    return {
        "TUSD_S3__ENDPOINT": s3_server.url,
        "TUSD_S3__REGION": S3_REGION,
        "TUSD_S3__BUCKET": s3_server.bucket(),
        "TUSD_S3__ACCESS_KEY_ID": KEY_ID,
        "TUSD_S3__SECRET_ACCESS_KEY": S3_SECRET,
    }


@pytest.fixture(params=["oss", "s3"])
def store(request: pytest.FixtureRequest) -> dict[str, str]:
    found: dict[str, str] = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def server(store: dict[str, str], tmp_path: Path) -> Iterator[Server]:
    with running_server(tmp_path / "data", "--workers", "1", env={**FAST, **store}) as running:
        yield running


def test_a_file_is_given_by_a_signed_link(server: Server) -> None:
    task = upload(server, CONTENT, filename="视频 a.png")
    done = server.wait_for_status(task, "completed")
    path = urlsplit(str(done["oss_path"])).path
    assert path.endswith(f"/{blake3.blake3(CONTENT).hexdigest()}")
    answer = httpx.get(f"{server.files}{task}")
    assert answer.status_code == 307
    assert answer.headers["Cache-Control"] == "no-store"
    link = answer.headers["Location"]
    assert urlsplit(link).path == path
    got = httpx.get(link, headers={"Range": "bytes=5-9"})
    assert (got.status_code, got.content) == (206, CONTENT[5:10])
    assert "%E8%A7%86%E9%A2%91%20a.png" in got.headers["Content-Disposition"]
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert not list((server.data_dir / "objects").rglob("*.png"))


def test_a_link_with_a_number_of_downloads_gives_no_address_of_the_store(server: Server) -> None:
    task = upload(server, CONTENT, filename="a.png")
    server.wait_for_status(task, "completed")
    shares = f"{server.url}/api/file/upload/shares/{task}"
    limited, free, short = (
        f"{httpx.post(shares, json=members).json()['url']}/download"
        for members in ({"downloads": 1}, {}, {"expires_in": 60})
    )
    got = httpx.get(limited)
    assert (got.status_code, got.content) == (200, CONTENT)
    assert httpx.get(limited).status_code == 410
    for url, longest in ((free, 300), (short, 60)):
        led = httpx.get(url)
        # As curl -C - -L goes on; from the first byte another download begins.
        for wanted, downloaded in (("bytes=5-", 1), ("bytes=-5", 1), ("bytes=0-", 2)):
            assert httpx.get(url, headers={"Range": wanted}).status_code == 307
            made = httpx.get(shares.rpartition("/")[0], params={"task_id": task}).json()["shares"]
            (this,) = (one for one in made if url.startswith(one["url"]))
            assert this["downloaded"] == downloaded
        assert (led.status_code, led.headers["Cache-Control"]) == (307, "private, no-store")
        assert httpx.get(led.headers["Location"]).content == CONTENT
        query = parse_qs(urlsplit(led.headers["Location"]).query)
        expires = query.get("X-Amz-Expires") or query["x-oss-expires"]
        assert 1 <= int(expires[0]) <= longest
        assert httpx.get(url.replace("download", "play")).status_code == 200


def test_a_file_may_be_read_through_the_server(store: dict[str, str], tmp_path: Path) -> None:
    env = {**FAST, **store, "TUSD_OBJECTS__DOWNLOADS": "stream"}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        task = upload(server, CONTENT)
        server.wait_for_status(task, "completed")
        answer = httpx.get(f"{server.files}{task}")
        assert (answer.status_code, answer.content) == (200, CONTENT)
        part = httpx.get(f"{server.files}{task}", headers={"Range": "bytes=-4"})
        assert (part.status_code, part.content) == (206, CONTENT[-4:])


def test_an_archive_is_made_of_objects_in_the_store(server: Server) -> None:
    contents = {"in/a.png": CONTENT, "in/2024/a.png": CONTENT * 200, "in/empty.txt": b""}
    for path, content in contents.items():
        name = path.rpartition("/")[2]
        task = upload(server, content, filename=name, relativePath=path)
        server.wait_for_status(task, "completed")
    made = httpx.post(f"{server.url}/api/file/upload/archives", json={"folder": "in"})
    url = f"{server.url}{made.json()['url']}"
    answer = httpx.get(url)
    assert (answer.status_code, len(answer.content)) == (200, made.json()["size"])
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == contents


def test_a_store_that_is_away_at_a_download_is_503(tmp_path: Path) -> None:
    store = OssServer(tmp_path / "oss").start()
    env = {**FAST, **environment_of(store.url), "TUSD_OBJECTS__DOWNLOADS": "stream"}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        try:
            task = upload(server, CONTENT)
            server.wait_for_status(task, "completed")
        finally:
            store.close()
        answer = httpx.get(f"{server.files}{task}")
        assert answer.status_code == 503
        assert answer.json()["code"] == "transient"
