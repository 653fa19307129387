"""Multipart uploads of the OSS endpoint of the tests keep OSS's rules, as its own SDK sees it."""

import threading
from pathlib import Path

import httpx
import oss2
from oss2.models import PartInfo
from support.oss.clients import complete, crc64, refused
from support.oss.server import BUCKET, OssServer

PARTS = [bytes([number]) * 1500 for number in (1, 2, 3)]
WHOLE = b"".join(PARTS)


def send_parts(bucket: oss2.Bucket, key: str, upload_id: str) -> list[PartInfo]:
    return [
        PartInfo(number, bucket.upload_part(key, upload_id, number, data).etag)
        for number, data in enumerate(PARTS, 1)
    ]


def test_parts_become_an_object(signed: oss2.Bucket) -> None:
    key = "视频/第 1 集.mp4"
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


def test_the_rules_of_parts_hold(http: httpx.Client, bucket: oss2.Bucket) -> None:
    upload_id = bucket.init_multipart_upload("key").upload_id
    parts = send_parts(bucket, "key", upload_id)
    small = PartInfo(4, bucket.upload_part("key", upload_id, 4, b"x" * 999).etag)
    after = PartInfo(5, bucket.upload_part("key", upload_id, 5, b"y").etag)

    def post(*named: PartInfo, to: str = upload_id) -> tuple[int, str]:
        # The SDK sorts the parts that it is given, so the order is made wrong on the wire.
        numbers = "".join(
            f"<Part><PartNumber>{part.part_number}</PartNumber><ETag>{part.etag}</ETag></Part>"
            for part in named
        )
        link = bucket.sign_url("POST", "key", 60, params={"uploadId": to})
        answer = http.post(
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


def test_an_upload_that_may_not_overwrite_is_refused_at_its_start_and_its_end(
    bucket: oss2.Bucket,
) -> None:
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


def test_no_file_is_left_without_a_record(
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
