"""The OSS endpoint of the tests does what OSS does, as its own SDK sees it."""

import base64
import hashlib
import socket

import httpx
import oss2
import pytest
from support.clock import FakeClock
from support.oss.clients import SIGNERS, bucket_client, crc64, refused
from support.oss.server import BUCKET, OssServer

PARTS = [bytes([number]) * 1500 for number in (1, 2, 3)]
WHOLE = b"".join(PARTS)
KEYS = ["视频/第 1 集.mp4", "a b", "a+b", "a&b=c?d", "100%", "100%25", "-", "x/y/z", "~.'()*!"]


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
def test_a_signed_link_names_the_headers_of_its_answer(
    http: httpx.Client, oss: OssServer, auth: str
) -> None:
    bucket = bucket_client(oss.url, SIGNERS[auth]())
    bucket.put_object("路/k", WHOLE)
    overrides = {
        "response-content-type": "video/mp4",
        "response-content-disposition": "attachment; filename*=UTF-8''%E8%B7%AF.mp4",
    }
    got = http.get(bucket.sign_url("GET", "路/k", 60, params=dict(overrides), slash_safe=True))
    assert (got.status_code, got.content) == (200, WHOLE)
    assert got.headers["content-type"] == overrides["response-content-type"]
    assert got.headers["content-disposition"] == overrides["response-content-disposition"]


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


# Buckets


def test_buckets_are_made_listed_and_removed(oss: OssServer, bucket: oss2.Bucket) -> None:
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


def test_the_host_names_the_bucket(http: httpx.Client, oss: OssServer, bucket: oss2.Bucket) -> None:
    bucket.put_object("路 /k", WHOLE)
    for signer in ("v1", "v4"):
        named = bucket_client("http://oss.test", SIGNERS[signer]())
        link = named.sign_url("GET", "路 /k", 60)
        assert link.startswith(f"http://{BUCKET}.oss.test/")
        here = link.replace(f"http://{BUCKET}.oss.test", oss.url)
        got = http.get(here, headers={"Host": f"{BUCKET}.oss.test"})
        assert (got.status_code, got.content) == (200, WHOLE)


def test_what_is_not_implemented_is_answered_with_501(bucket: oss2.Bucket) -> None:
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
