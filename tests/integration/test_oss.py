"""The OSS adapter against an endpoint that fails in every way it can (faults 28 to 32)."""

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import blake3
import httpx
import pytest
from support.multipart_state import MemoryMultipartState
from support.oss.configured import bucket_at
from support.oss.faults import MatchRule
from support.oss.server import ACCESS_KEY, BUCKET, REGION, SECRET, OssServer

from tusd_py.clock import SystemClock
from tusd_py.domain.errors import TransientError
from tusd_py.domain.multipart import Part
from tusd_py.objects.bucket import BucketError
from tusd_py.objects.keys import object_key
from tusd_py.objects.oss import (
    OssBucket,
    endpoint_of,
    fetched_credentials,
    signing_region,
)
from tusd_py.objects.parts import MIB, PartReader, Span
from tusd_py.objects.port import UNREACHABLE
from tusd_py.objects.remote import CORRUPT, REFUSED, RemoteObjects

CONTENT = os.urandom(3 * MIB + 1000)
HASH = blake3.blake3(CONTENT).hexdigest()
KEY = object_key(HASH, ".bin")
PARTS = [1, 2, 3, 4]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[OssServer]:
    running = OssServer(tmp_path / "oss").start()
    yield running
    running.close()


def objects(bucket: OssBucket) -> RemoteObjects:
    return RemoteObjects(bucket, smallest_part=MIB, threads=2, first_pause=0.01)


@pytest.fixture
def store(server: OssServer) -> RemoteObjects:
    return objects(bucket_at(server.url))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def put(
    store: RemoteObjects, source: Path, ledger: MemoryMultipartState | None = None
) -> MemoryMultipartState:
    ledger = ledger or MemoryMultipartState()
    store.put_file(KEY, source, content_hash=HASH, content_type="x/y", multipart_state=ledger)
    return ledger


def whole(store: RemoteObjects) -> bool:
    return b"".join(store.read(KEY, 0, len(CONTENT))) == CONTENT


def sent(server: OssServer) -> list[int]:
    """Return the part numbers that were stored, once for each time."""
    calls = server.calls.all("part")
    return sorted(call.part_number or 0 for call in calls if call.status == 200)


PASSING = [
    MatchRule("error", status=503, code="ServiceUnavailable", times=2),
    MatchRule("error", status=500, code="InternalError", times=2),
    MatchRule("error", status=429, code="TooManyRequests", times=2),
    MatchRule("drop", times=2),
    MatchRule("drop_after", times=2),
    MatchRule("corrupt", times=2),
]
CASES = [
    pytest.param(replace(rule, operation=operation), id=f"{operation}-{rule.do}-{rule.status}")
    for operation in ("head", "init", "part", "complete")
    for rule in PASSING
    if rule.do != "corrupt" or operation == "part"  # Only a part has a body that can be corrupted.
]


@pytest.mark.parametrize("rule", CASES)
def test_a_request_that_fails_for_a_moment_is_made_again(
    server: OssServer, store: RemoteObjects, source: Path, rule: MatchRule
) -> None:
    server.faults.add(rule)
    put(store, source)
    assert [rule["struck"] for rule in server.faults.described()] == [2]
    assert whole(store)


def test_only_the_part_that_failed_is_sent_again(
    server: OssServer, store: RemoteObjects, source: Path
) -> None:
    server.faults.add(MatchRule("error", "part", part_number=3, times=3))
    put(store, source)
    assert sent(server) == PARTS
    assert len(server.calls.all("part")) == len(PARTS) + 3


def test_after_a_long_failure_the_next_attempt_sends_what_is_missing(
    server: OssServer, store: RemoteObjects, source: Path
) -> None:
    server.faults.add(MatchRule("error", "part", part_number=4, times=None))
    ledger = MemoryMultipartState()
    with pytest.raises(TransientError, match=UNREACHABLE):
        put(store, source, ledger)
    server.faults.clear()
    there = sent(server)
    server.calls.clear()
    put(store, source, ledger)
    assert sent(server) == [number for number in PARTS if number not in there]
    assert whole(store)


def test_a_small_object_with_a_flipped_bit_is_put_again(
    server: OssServer, store: RemoteObjects, tmp_path: Path
) -> None:
    small = tmp_path / "small"
    small.write_bytes(CONTENT[:1000])
    digest = blake3.blake3(CONTENT[:1000]).hexdigest()
    server.faults.add(MatchRule("corrupt", "put", times=1))
    key = object_key(digest, "")
    store.put_file(
        key, small, content_hash=digest, content_type="x/y", multipart_state=MemoryMultipartState()
    )
    assert len(server.calls.all("put")) == 2
    assert b"".join(store.read(key, 0, 1000)) == CONTENT[:1000]


class Miscomposing(OssBucket):
    """A store that makes the object of other bytes than those that it confirmed part by part."""

    other: Path

    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        with PartReader(self.other, Span(1, 0, MIB)) as body:
            wrong = self.put_part(key, upload_id, 1, body)
        super().complete(key, upload_id, [wrong, *parts[1:]])


def test_an_object_that_came_out_wrong_is_removed_and_the_put_fails(
    server: OssServer, store: RemoteObjects, source: Path, tmp_path: Path
) -> None:
    bucket = bucket_at(server.url, kind=Miscomposing)
    assert isinstance(bucket, Miscomposing)
    bucket.other = tmp_path / "other"
    bucket.other.write_bytes(bytes(MIB))
    ledger = MemoryMultipartState()
    with pytest.raises(TransientError, match=CORRUPT):
        put(objects(bucket), source, ledger)
    assert ledger.load() is None
    assert store.head(KEY) is None
    put(store, source, ledger)
    assert whole(store)


def test_a_download_that_breaks_goes_on_where_it_broke(
    server: OssServer, store: RemoteObjects, source: Path
) -> None:
    put(store, source)
    server.faults.add(MatchRule("truncate", "get", times=2))
    assert whole(store)
    assert len(server.calls.all("get")) == 3


def test_a_download_that_never_begins_is_an_error(
    server: OssServer, store: RemoteObjects, source: Path
) -> None:
    put(store, source)
    server.faults.add(MatchRule("error", "get", times=None))
    with pytest.raises(TransientError, match=UNREACHABLE):
        next(store.read(KEY, 0, 10))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda url: bucket_at(url, secret="wrong"),
        lambda url: bucket_at(url, token="stray"),
        lambda url: bucket_at(url, name="no-such-bucket"),
    ],
    ids=["secret", "token", "bucket"],
)
def test_a_refusal_is_not_repeated_and_discloses_no_secret(
    server: OssServer,
    source: Path,
    wrong: Callable[[str], OssBucket],
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = objects(wrong(server.url))
    with pytest.raises(TransientError) as refused:
        put(store, source)
    assert refused.value.detail == REFUSED
    assert ACCESS_KEY not in str(refused.value) + caplog.text
    assert len(server.calls.all()) <= 2


def test_an_endpoint_that_is_gone_is_an_error(source: Path) -> None:
    store = objects(bucket_at("http://127.0.0.1:9"))
    with pytest.raises(TransientError, match=UNREACHABLE):
        put(store, source)


def test_temporary_keys_need_their_token(tmp_path: Path, source: Path) -> None:
    server = OssServer(tmp_path / "oss", tokens={ACCESS_KEY: "token-1"}).start()
    try:
        with pytest.raises(TransientError, match=REFUSED):
            put(objects(bucket_at(server.url)), source)
        store = objects(bucket_at(server.url, token="token-1"))
        put(store, source)
        link = store.link(KEY, disposition="attachment", seconds=60)
        assert link is not None
        assert httpx.get(link).content == CONTENT
    finally:
        server.close()


class Metadata(BaseHTTPRequestHandler):
    """Gives temporary keys as the ECS metadata service does."""

    requests = 0
    secret = SECRET
    left = timedelta(hours=1)

    def do_GET(self) -> None:
        type(self).requests += 1
        ends = datetime.fromtimestamp(SystemClock().now(), UTC) + self.left
        keys = {
            "Code": "Success",
            "AccessKeyId": ACCESS_KEY,
            "AccessKeySecret": self.secret,
            "SecurityToken": "token-1",
            "LastUpdated": (ends - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(keys).encode())

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def metadata() -> Iterator[str]:
    Metadata.requests, Metadata.left = 0, timedelta(hours=1)
    service = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    thread = threading.Thread(target=service.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{service.server_address[1]}/role"
    service.shutdown()
    thread.join()
    service.server_close()


@pytest.mark.parametrize(("left", "renewed"), [(60, False), (5, True)])
def test_temporary_keys_are_fetched_and_renewed_before_they_end(
    tmp_path: Path, source: Path, metadata: str, left: int, renewed: bool
) -> None:
    Metadata.left = timedelta(minutes=left)
    server = OssServer(tmp_path / "oss", tokens={ACCESS_KEY: "token-1"}).start()
    try:
        store = objects(
            OssBucket(
                fetched_credentials(metadata),
                name=BUCKET,
                region=REGION,
                endpoint=server.url,
                public_endpoint=server.url,
            )
        )
        put(store, source)
        assert whole(store)
        assert (Metadata.requests > 1) is renewed
    finally:
        server.close()


def test_keys_that_can_not_be_fetched_are_an_error(server: OssServer, source: Path) -> None:
    store = objects(
        OssBucket(
            fetched_credentials("http://127.0.0.1:9/role"),
            name=BUCKET,
            region=REGION,
            endpoint=server.url,
            public_endpoint=server.url,
        )
    )
    with pytest.raises(TransientError, match=UNREACHABLE):
        put(store, source)
    with pytest.raises(TransientError, match=UNREACHABLE):
        store.link(KEY, disposition="attachment", seconds=60)


def test_the_whole_bucket_is_listed_page_by_page(server: OssServer, tmp_path: Path) -> None:
    bucket = bucket_at(server.url)
    store = objects(bucket)
    begun = {bucket.create_upload(f"pool/00/{number:064x}", "x/y") for number in range(1001)}
    assert {left.upload_id for left in store.incomplete_uploads()} == begun


def test_a_check_sends_a_request_to_the_bucket(server: OssServer) -> None:
    bucket_at(server.url).check()
    with pytest.raises(BucketError):
        bucket_at(server.url, secret="wrong").check()
    server.faults.add(MatchRule("stall", times=None))
    with pytest.raises(BucketError):
        bucket_at(server.url).check()


@pytest.mark.parametrize(
    ("region", "endpoint", "signing"),
    [
        ("oss-cn-beijing", "https://oss-cn-beijing.aliyuncs.com", "cn-beijing"),
        ("cn-beijing", "https://oss-cn-beijing.aliyuncs.com", "cn-beijing"),
        (
            "oss-cn-beijing-internal",
            "https://oss-cn-beijing-internal.aliyuncs.com",
            "cn-beijing",
        ),
    ],
)
def test_the_seeds_region_names_endpoint_and_signing_region(
    region: str, endpoint: str, signing: str
) -> None:
    assert endpoint_of(region) == endpoint
    assert signing_region(region) == signing
