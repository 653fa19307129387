"""The OSS endpoint the tests use does what OSS does, as its own SDK sees it."""

import base64
import hashlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import oss2
import pytest
from oss2.models import PartInfo
from support.clock import FakeClock
from support.oss.clients import SIGNERS, bucket_client
from support.oss.server import BUCKET, OssServer

PARTS = [bytes([number]) * 1500 for number in (1, 2, 3)]
WHOLE = b"".join(PARTS)
KEYS = ["视频/第 1 集.mp4", "a b", "a+b", "a&b=c?d", "100%", "100%25", "-", "x/y/z", "~.'()*!"]


def crc64(data: bytes) -> int:
    crc = oss2.utils.Crc64()
    crc.update(data)
    return int(crc.crc)


def send_parts(bucket: oss2.Bucket, key: str, upload_id: str) -> list[PartInfo]:
    return [
        PartInfo(number, bucket.upload_part(key, upload_id, number, data).etag)
        for number, data in enumerate(PARTS, 1)
    ]


def complete(
    bucket: oss2.Bucket, key: str, upload_id: str, parts: list[PartInfo], **named: Any
) -> Any:
    done = bucket.complete_multipart_upload(key, upload_id, parts, **named)
    done.resp.read()  # the SDK does not, and so keeps the connection
    return done


def refused(call: Callable[..., object], *arguments: object, **named: object) -> tuple[int, str]:
    """Status and code a call is refused with."""
    with pytest.raises(oss2.exceptions.ServerError) as failure:
        call(*arguments, **named)
    return failure.value.status, failure.value.code


# Objects


def test_an_object_comes_back_under_any_key(signed: oss2.Bucket) -> None:
    for key in KEYS:
        put = signed.put_object(key, WHOLE, headers={"x-oss-meta-name": "n", "Content-Type": "x/y"})
        assert put.crc == crc64(WHOLE)
        assert put.etag == hashlib.md5(WHOLE).hexdigest().upper()
        got = signed.get_object(key)
        assert got.read() == WHOLE
        assert (got.headers["x-oss-meta-name"], got.content_type) == ("n", "x/y")
        assert [found.key for found in signed.list_objects_v2(prefix=key).object_list][:1] == [key]
        assert signed.head_object(key).content_length == len(WHOLE)
        assert signed.object_exists(key)
    for key in KEYS:
        signed.delete_object(key)
        assert not signed.object_exists(key)
        assert refused(signed.get_object, key) == (404, "NoSuchKey")
        assert refused(signed.head_object, key) == (404, "NoSuchKey")


@pytest.mark.parametrize(
    ("text", "start", "stop"),
    [("0-9", 0, 10), ("4490-", 4490, 4500), ("-20", 4480, 4500), ("4400-9999", 4400, 4500)],
)
def test_a_range_is_read(bucket: oss2.Bucket, text: str, start: int, stop: int) -> None:
    bucket.put_object("key", WHOLE)
    got = bucket.get_object("key", headers={"Range": f"bytes={text}"})
    assert got.status == 206
    assert got.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(WHOLE)}"
    assert got.read() == WHOLE[start:stop]


def test_a_range_past_the_end_gives_all_or_a_refusal(bucket: oss2.Bucket) -> None:
    bucket.put_object("key", WHOLE)
    past = {"Range": f"bytes={len(WHOLE)}-"}
    got = bucket.get_object("key", headers=past)
    assert (got.status, got.read()) == (200, WHOLE)
    standard = {**past, "x-oss-range-behavior": "standard"}
    assert refused(bucket.get_object, "key", headers=standard) == (416, "InvalidRange")


def test_an_empty_object_and_a_streamed_one_are_stored(bucket: oss2.Bucket) -> None:
    bucket.put_object("empty", b"")
    assert bucket.get_object("empty").read() == b""
    bucket.put_object("streamed", iter(PARTS))
    assert bucket.get_object("streamed").read() == WHOLE


def test_a_body_that_is_not_its_md5_is_not_stored(bucket: oss2.Bucket) -> None:
    right = base64.b64encode(hashlib.md5(WHOLE).digest()).decode()
    bucket.put_object("right", WHOLE, headers={"Content-MD5": right})
    wrong = {"Content-MD5": right}
    assert refused(bucket.put_object, "wrong", b"x", headers=wrong) == (400, "InvalidDigest")
    assert not bucket.object_exists("wrong")


def test_a_body_that_ends_early_is_not_stored(oss: OssServer, bucket: oss2.Bucket) -> None:
    link = bucket.sign_url("PUT", "key", 60)
    with socket.create_connection(("127.0.0.1", oss.port)) as connection:
        head = f"PUT {link.removeprefix(oss.url)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        connection.sendall(f"{head}Content-Length: 100\r\n\r\nhalf".encode())
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100) == b""
    assert not bucket.object_exists("key")
    assert oss.calls.all("put")[0].bytes == len(b"half")


def test_an_object_is_overwritten_unless_forbidden(bucket: oss2.Bucket) -> None:
    once = {"x-oss-forbid-overwrite": "true"}
    bucket.put_object("key", b"1", headers=once)
    assert refused(bucket.put_object, "key", b"2", headers=once) == (409, "FileAlreadyExists")
    assert bucket.get_object("key").read() == b"1"
    bucket.put_object("key", b"3")
    assert bucket.get_object("key").read() == b"3"


@pytest.mark.parametrize("auth", SIGNERS)
def test_a_signed_link_names_the_headers_of_its_answer(oss: OssServer, auth: str) -> None:
    bucket = bucket_client(oss.url, SIGNERS[auth]())
    bucket.put_object("路/k", WHOLE)
    told = {
        "response-content-type": "video/mp4",
        "response-content-disposition": "attachment; filename*=UTF-8''%E8%B7%AF.mp4",
    }
    got = httpx.get(bucket.sign_url("GET", "路/k", 60, params=dict(told), slash_safe=True))
    assert (got.status_code, got.content) == (200, WHOLE)
    assert got.headers["content-type"] == told["response-content-type"]
    assert got.headers["content-disposition"] == told["response-content-disposition"]


# Lists


@pytest.mark.parametrize("signer", ["v1", "v4"])
def test_objects_are_listed_in_pages(oss: OssServer, clock: FakeClock, signer: str) -> None:
    bucket = bucket_client(oss.url, SIGNERS[signer]())
    for key in KEYS:
        bucket.put_object(key, key.encode())
    wanted = sorted(KEYS, key=str.encode)
    pages: list[list[str]] = [[]]
    token = ""
    while True:
        page = bucket.list_objects_v2(max_keys=2, continuation_token=token)
        pages.append([found.key for found in page.object_list])
        if not page.is_truncated:
            break
        token = page.next_continuation_token
    assert [key for page in pages for key in page] == wanted
    assert {len(page) for page in pages[1:-1]} == {2}
    assert [found.key for found in oss2.ObjectIterator(bucket, max_keys=2)] == wanted
    found = bucket.list_objects_v2(prefix="a b").object_list[0]
    assert (found.size, found.last_modified) == (3, int(clock.now()))
    assert [o.key for o in bucket.list_objects_v2(start_after=wanted[-2]).object_list] == wanted[
        -1:
    ]


def test_what_is_stored_can_be_made_older(
    oss: OssServer, bucket: oss2.Bucket, clock: FakeClock
) -> None:
    bucket.put_object("key", b"")
    upload_id = bucket.init_multipart_upload("key").upload_id
    bucket.upload_part("key", upload_id, 1, b"x")
    oss.age(3600)
    before = int(clock.now() - 3600)
    assert bucket.list_objects_v2().object_list[0].last_modified == before
    assert bucket.head_object("key").last_modified == before
    assert bucket.list_multipart_uploads().upload_list[0].initiation_date == before
    assert bucket.list_parts("key", upload_id).parts[0].last_modified == before


def test_open_uploads_are_listed_in_pages(bucket: oss2.Bucket, clock: FakeClock) -> None:
    begun = {
        (key, bucket.init_multipart_upload(key).upload_id)
        for key in ["一 +", "b", "b", "b", "c/&", "c/&"]
    }
    seen = []
    key = upload_id = ""
    while True:
        page = bucket.list_multipart_uploads(
            max_uploads=2, key_marker=key, upload_id_marker=upload_id
        )
        assert len(page.upload_list) == 2
        assert {upload.initiation_date for upload in page.upload_list} == {int(clock.now())}
        seen += [(upload.key, upload.upload_id) for upload in page.upload_list]
        if not page.is_truncated:
            break
        key, upload_id = page.next_key_marker, page.next_upload_id_marker
    assert seen == sorted(begun)
    only = bucket.list_multipart_uploads(prefix="c").upload_list
    assert {upload.key for upload in only} == {"c/&"}
    assert not bucket.list_multipart_uploads(key_marker="一 +").upload_list


# Multipart uploads


def test_parts_become_an_object(signed: oss2.Bucket) -> None:
    key = KEYS[0]
    upload_id = signed.init_multipart_upload(key, headers={"Content-Type": "video/mp4"}).upload_id
    parts = send_parts(signed, key, upload_id)
    done = complete(signed, key, upload_id, parts)
    assert done.crc == crc64(WHOLE)
    assert done.etag.endswith("-3")
    got = signed.get_object(key)
    assert (got.read(), got.content_type, got.etag) == (WHOLE, "video/mp4", done.etag)
    assert got.headers["x-oss-object-type"] == "Multipart"
    assert refused(signed.list_parts, key, upload_id) == (404, "NoSuchUpload")
    assert refused(complete, signed, key, upload_id, parts)[1] == "NoSuchUpload"


def test_an_upload_goes_on_where_its_parts_end(oss: OssServer, bucket: oss2.Bucket) -> None:
    upload_id = bucket.init_multipart_upload("key").upload_id
    for number in (3, 1):
        bucket.upload_part("key", upload_id, number, PARTS[number - 1])
    there = list(oss2.PartIterator(bucket, "key", upload_id, max_parts=1))
    assert [(part.part_number, part.size) for part in there] == [(1, 1500), (3, 1500)]
    oss.calls.clear()
    sent = bucket.upload_part("key", upload_id, 2, PARTS[1])
    parts = [there[0], PartInfo(2, sent.etag), there[1]]
    complete(bucket, "key", upload_id, parts)
    assert bucket.get_object("key").read() == WHOLE
    assert [(call.part_number, call.bytes) for call in oss.calls.all("part")] == [(2, 1500)]


def test_the_rules_of_parts_hold(bucket: oss2.Bucket) -> None:
    upload_id = bucket.init_multipart_upload("key").upload_id
    parts = send_parts(bucket, "key", upload_id)
    small = PartInfo(4, bucket.upload_part("key", upload_id, 4, b"x" * 999).etag)
    after = PartInfo(5, bucket.upload_part("key", upload_id, 5, b"y").etag)

    def post(*named: PartInfo, to: str = upload_id) -> tuple[int, str]:
        # The SDK sorts what it is given, so the order is made wrong on the wire.
        numbers = "".join(
            f"<Part><PartNumber>{part.part_number}</PartNumber><ETag>{part.etag}</ETag></Part>"
            for part in named
        )
        link = bucket.sign_url("POST", "key", 60, params={"uploadId": to})
        answer = httpx.post(
            link, content=f"<CompleteMultipartUpload>{numbers}</CompleteMultipartUpload>"
        )
        found = answer.text.partition("<Code>")[2].partition("</Code>")[0]
        return answer.status_code, found

    assert post(parts[1], parts[0]) == (400, "InvalidPartOrder")
    assert post(parts[0], parts[0]) == (400, "InvalidPartOrder")
    assert post(parts[0], PartInfo(2, parts[0].etag)) == (400, "InvalidPart")
    assert post(PartInfo(6, parts[0].etag)) == (400, "InvalidPart")
    assert post(*parts, small, after) == (400, "EntityTooSmall")
    assert post() == (400, "MalformedXML")
    assert post(*parts, to="0" * 32) == (404, "NoSuchUpload")
    assert refused(bucket.upload_part, "key", upload_id, 10001, b"x") == (400, "InvalidArgument")
    assert refused(bucket.upload_part, "other", upload_id, 1, b"x") == (404, "NoSuchUpload")
    assert not bucket.object_exists("key")
    assert post(*parts, small) == (200, "")
    assert bucket.head_object("key").content_length == len(WHOLE) + 999


def test_an_aborted_upload_is_gone(oss: OssServer, bucket: oss2.Bucket, tmp_path: Path) -> None:
    upload_id = bucket.init_multipart_upload("key").upload_id
    parts = send_parts(bucket, "key", upload_id)
    bucket.abort_multipart_upload("key", upload_id)
    assert refused(bucket.upload_part, "key", upload_id, 1, b"x") == (404, "NoSuchUpload")
    assert refused(complete, bucket, "key", upload_id, parts)[1] == "NoSuchUpload"
    assert refused(bucket.abort_multipart_upload, "key", upload_id) == (404, "NoSuchUpload")
    assert not list((tmp_path / "oss" / BUCKET / "content").iterdir())


def test_an_upload_that_may_not_overwrite_says_so_at_either_end(bucket: oss2.Bucket) -> None:
    once = {"x-oss-forbid-overwrite": "true"}
    upload_id = bucket.init_multipart_upload("key", headers=once).upload_id
    parts = send_parts(bucket, "key", upload_id)
    bucket.put_object("key", b"first")
    taken = (409, "FileAlreadyExists")
    assert refused(complete, bucket, "key", upload_id, parts) == taken
    assert refused(bucket.init_multipart_upload, "key", headers=once) == taken
    assert bucket.get_object("key").read() == b"first"
    bucket.delete_object("key")
    complete(bucket, "key", upload_id, parts, headers=once)
    assert bucket.get_object("key").read() == WHOLE


def test_of_many_who_complete_an_upload_one_does(bucket: oss2.Bucket) -> None:
    upload_id = bucket.init_multipart_upload("key").upload_id
    parts = send_parts(bucket, "key", upload_id)
    codes: list[str] = []

    def complete_too() -> None:
        try:
            complete(bucket, "key", upload_id, parts)
            codes.append("")
        except oss2.exceptions.NoSuchUpload as error:
            codes.append(error.code)

    threads = [threading.Thread(target=complete_too) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(codes) == ["", *["NoSuchUpload"] * 3]
    assert bucket.get_object("key").read() == WHOLE


def test_no_file_is_left_that_nobody_names(
    oss: OssServer, bucket: oss2.Bucket, tmp_path: Path
) -> None:
    content = tmp_path / "oss" / BUCKET / "content"
    for data in (b"1", b"2"):
        bucket.put_object("key", data)
    refused(bucket.put_object, "wrong", b"x", headers={"Content-MD5": "AAAA"})
    refused(bucket.put_object, "key", b"3", headers={"x-oss-forbid-overwrite": "true"})
    upload_id = bucket.init_multipart_upload("parts").upload_id
    for data in (b"1", b"2"):
        bucket.upload_part("parts", upload_id, 1, data)
    named = set(content.iterdir())
    assert len(named) == 2
    (content / "left by a killed server").write_bytes(b"x")
    OssServer(tmp_path / "oss").start().close()
    assert set(content.iterdir()) == named


# Buckets


def test_buckets_are_made_told_and_removed(oss: OssServer, bucket: oss2.Bucket) -> None:
    other = oss2.Bucket(SIGNERS["v4"](), oss.url, "other", region="cn-hangzhou")
    assert refused(other.put_object, "key", b"") == (404, "NoSuchBucket")
    other.create_bucket()
    other.put_object("key", b"")
    service = oss2.Service(SIGNERS["v1"](), oss.url)
    assert [found.name for found in oss2.BucketIterator(service)] == ["other", BUCKET]
    assert other.get_bucket_info().name == "other"
    assert refused(other.delete_bucket) == (409, "BucketNotEmpty")
    other.delete_object("key")
    other.delete_bucket()
    assert refused(other.get_bucket_info) == (404, "NoSuchBucket")


def test_the_host_names_the_bucket(oss: OssServer, bucket: oss2.Bucket) -> None:
    bucket.put_object("路 /k", WHOLE)
    for signer in ("v1", "v4"):
        named = bucket_client("http://oss.test", SIGNERS[signer]())
        link = named.sign_url("GET", "路 /k", 60)
        assert link.startswith(f"http://{BUCKET}.oss.test/")
        here = link.replace(f"http://{BUCKET}.oss.test", oss.url)
        got = httpx.get(here, headers={"Host": f"{BUCKET}.oss.test"})
        assert (got.status_code, got.content) == (200, WHOLE)


def test_what_is_not_implemented_says_so(bucket: oss2.Bucket) -> None:
    bucket.put_object("key", b"1")
    not_there = (501, "NotImplemented")
    assert refused(bucket.copy_object, BUCKET, "key", "copy") == not_there
    assert refused(bucket.append_object, "appended", 0, b"") == not_there
    assert refused(bucket.get_bucket_acl) == not_there
    assert refused(bucket.batch_delete_objects, ["key"]) == not_there
    assert refused(bucket.list_objects_v2, delimiter="/") == not_there
    assert refused(bucket.get_object, "key", process="image/info") == not_there
    assert (
        refused(bucket.put_object, "key", b"", headers={"x-oss-object-acl": "default"}) == not_there
    )
    assert bucket.get_object("key").read() == b"1"
