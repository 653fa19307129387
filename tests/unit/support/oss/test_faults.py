"""The OSS endpoint of the tests fails exactly by its rules, in this process or in its own."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import oss2
import pytest
from oss2.models import PartInfo
from support.oss.clients import bucket_client
from support.oss.faults import Fault, MatchRule
from support.oss.process import OssProcess
from support.oss.requests import OssRequest
from support.oss.server import OssServer
from support.waiting import wait_until

DATA = bytes(range(256)) * 10


@pytest.fixture
def upload_id(bucket: oss2.Bucket) -> str:
    begun: str = bucket.init_multipart_upload("key").upload_id
    return begun


def numbers_stored(bucket: oss2.Bucket, upload_id: str) -> list[int]:
    return [part.part_number for part in bucket.list_parts("key", upload_id).parts]


def test_an_error_is_answered_and_nothing_stored(
    oss: OssServer, bucket: oss2.Bucket, upload_id: str
) -> None:
    oss.faults.add(MatchRule("error", "part", "k", part_number=2, status=500, code="InternalError"))
    bucket.upload_part("key", upload_id, 1, DATA)
    with pytest.raises(oss2.exceptions.ServerError) as failure:
        bucket.upload_part("key", upload_id, 2, DATA)
    assert (failure.value.status, failure.value.code) == (500, "InternalError")
    assert numbers_stored(bucket, upload_id) == [1]
    bucket.upload_part("key", upload_id, 2, DATA)
    assert [(call.part_number, call.status) for call in oss.calls.all("part")] == [
        (1, 200), (2, 500), (2, 200)
    ]  # fmt: skip


def test_a_rule_skips_some_and_strikes_a_number(oss: OssServer, bucket: oss2.Bucket) -> None:
    oss.faults.add(MatchRule("error", "put", skip=1, times=2))
    oss.faults.add(MatchRule("error", "put", "other/", times=None))
    statuses = []
    for key in ["a", "b", "c", "d", "other/1", "e", "other/2"]:
        try:
            statuses.append(bucket.put_object(key, b"").status)
        except oss2.exceptions.ServerError as error:
            statuses.append(error.status)
    assert statuses == [200, 503, 503, 200, 503, 200, 503]
    assert [rule["struck"] for rule in oss.faults.described()] == [2, 2]


def test_a_dropped_request_is_not_carried_out(oss: OssServer, bucket: oss2.Bucket) -> None:
    oss.faults.add(MatchRule("drop", "put"))
    with pytest.raises(oss2.exceptions.RequestError):
        bucket.put_object("key", DATA)
    assert not bucket.object_exists("key")
    assert [call.status for call in oss.calls.all("put")] == [None]


def test_a_lost_answer_is_of_a_request_carried_out(
    oss: OssServer, bucket: oss2.Bucket, upload_id: str
) -> None:
    parts = [PartInfo(1, bucket.upload_part("key", upload_id, 1, DATA).etag)]
    oss.faults.add(MatchRule("drop_after", "complete"))
    with pytest.raises(oss2.exceptions.RequestError):
        bucket.complete_multipart_upload("key", upload_id, parts)
    assert bucket.get_object("key").read() == DATA
    with pytest.raises(oss2.exceptions.NoSuchUpload):
        bucket.complete_multipart_upload("key", upload_id, parts)


def test_a_flipped_bit_is_found_by_the_crc(oss: OssServer, bucket: oss2.Bucket) -> None:
    oss.faults.add(MatchRule("corrupt", "put"))
    with pytest.raises(oss2.exceptions.InconsistentError):
        bucket.put_object("key", DATA)
    stored = bucket.get_object("key").read()
    assert stored != DATA
    assert (stored[1:], stored[0] ^ 1) == (DATA[1:], DATA[0])


def test_a_get_ends_early(http: httpx.Client, oss: OssServer, bucket: oss2.Bucket) -> None:
    bucket.put_object("key", DATA)
    oss.faults.add(MatchRule("truncate", "get"))
    with pytest.raises(httpx.RemoteProtocolError):
        http.get(bucket.sign_url("GET", "key", 60))
    assert bucket.get_object("key").read() == DATA


def test_a_stalled_answer_comes_when_the_rules_are_cleared(
    oss: OssServer, bucket: oss2.Bucket
) -> None:
    oss.faults.add(MatchRule("stall", "put"))
    answered = threading.Event()

    def put() -> None:
        bucket.put_object("key", DATA)
        answered.set()

    thread = threading.Thread(target=put)
    thread.start()
    wait_until(lambda: oss.calls.all("put"))
    assert bucket_client(oss.url).get_object("key").read() == DATA
    assert not answered.is_set()
    oss.faults.clear()
    thread.join(30)
    assert answered.is_set()


def test_a_server_closes_with_an_answer_held(tmp_path: Path) -> None:
    server = OssServer(tmp_path / "oss").start()
    server.faults.add(MatchRule("stall", "put"))
    thread = threading.Thread(target=_put_of_any_end, args=(server.url,))
    thread.start()
    wait_until(lambda: server.calls.all("put"))
    server.close()
    thread.join(30)
    assert not thread.is_alive()
    again = OssServer(tmp_path / "oss", port=server.port).start()
    assert bucket_client(again.url).get_object("key").read() == DATA
    again.close()


def _put_of_any_end(url: str) -> None:
    with suppress(oss2.exceptions.RequestError):
        bucket_client(url).put_object("key", DATA)


def test_a_rule_may_be_a_function(oss: OssServer, bucket: oss2.Bucket) -> None:
    def odd_parts(operation: str, request: OssRequest) -> Fault | None:
        odd = operation == "part" and request.part_number is not None and request.part_number % 2
        return Fault("error", 403, "AccessDenied") if odd else None

    oss.faults.add(odd_parts)
    upload_id = bucket.init_multipart_upload("key").upload_id
    for number in (1, 3):
        with pytest.raises(oss2.exceptions.AccessDenied):
            bucket.upload_part("key", upload_id, number, DATA)
    bucket.upload_part("key", upload_id, 2, DATA)
    assert numbers_stored(bucket, upload_id) == [2]


# The endpoint as a process of its own


@pytest.fixture
def process() -> Iterator[OssProcess]:
    service = OssProcess("--min-part", "1000")
    try:
        service.start()
        yield service
    finally:
        service.close()


@pytest.mark.slow
def test_what_is_stored_outlives_kill_9(process: OssProcess) -> None:
    bucket = bucket_client(process.url)
    bucket.put_object("之前", DATA, headers={"x-oss-meta-a": "b"})
    modified = bucket.head_object("之前").last_modified
    upload_id = bucket.init_multipart_upload("key", headers={"Content-Type": "x/y"}).upload_id
    bucket.upload_part("key", upload_id, 1, DATA)
    process.add_faults({"do": "stall", "operation": "part"})
    thread = threading.Thread(target=_lost_part, args=(process.url, upload_id))
    thread.start()
    wait_until(lambda: len(process.calls("part")) == 2)
    process.kill()
    thread.join(30)
    process.start()
    bucket = bucket_client(process.url)
    head = bucket.head_object("之前")
    assert (head.last_modified, head.headers["x-oss-meta-a"]) == (modified, "b")
    assert bucket.get_object("之前").read() == DATA
    there = bucket.list_parts("key", upload_id).parts
    assert [part.part_number for part in there] == [1, 2]
    bucket.complete_multipart_upload("key", upload_id, there).resp.read()
    got = bucket.get_object("key")
    assert (got.read(), got.content_type) == (DATA + DATA, "x/y")
    process.terminate()


def _lost_part(url: str, upload_id: str) -> None:
    with pytest.raises(oss2.exceptions.RequestError):
        bucket_client(url).upload_part("key", upload_id, 2, DATA)


@pytest.mark.slow
def test_the_control_path_makes_faults_lists_calls_and_ages(process: OssProcess) -> None:
    bucket = bucket_client(process.url)
    rule = {"operation": "put", "key": "k", "do": "error", "status": 500, "code": "InternalError"}
    process.add_faults(rule)
    with pytest.raises(oss2.exceptions.ServerError):
        bucket.put_object("key", DATA)
    rules = process.faults()
    assert [rules[0][name] for name in rule] == list(rule.values())
    assert rules[0]["struck"] == 1
    process.clear_faults()
    assert process.faults() == []
    bucket.put_object("key", DATA)
    assert [(call.status, call.bytes) for call in process.calls("put")] == [
        (500, len(DATA)), (200, len(DATA))
    ]  # fmt: skip
    process.clear_calls()
    assert process.calls() == []
    modified = bucket.head_object("key").last_modified
    process.age(86400)
    assert bucket.head_object("key").last_modified == modified - 86400


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("faults", [{"do": "explode"}], 400),
        ("faults", [{"do": "drop", "oops": 1}], 400),
        ("age", {}, 400),
        ("nothing", {}, 404),
    ],
)
def test_what_the_control_path_cannot_read_is_refused(
    http: httpx.Client, oss: OssServer, path: str, body: Any, status: int
) -> None:
    assert http.post(f"{oss.url}/-/{path}", json=body).status_code == status
    assert oss.faults.described() == []
