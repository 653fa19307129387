"""A bucket whose requests are retried."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tusd_py.domain.multipart import Part
from tusd_py.objects.bucket import (
    AccessDenied,
    Bucket,
    BucketError,
    ObjectGone,
    ObjectInfo,
    TransientBucketError,
    UploadGone,
)
from tusd_py.objects.parts import PartReader, Span
from tusd_py.objects.retry import LONGEST_SECONDS, TRIES, RetryingBucket


class Failing(Bucket):
    """Raises the errors one after the other, then answers; keeps the bodies that it received."""

    def __init__(self, *errors: BucketError) -> None:
        self.errors = list(errors)
        self.requests = 0
        self.bodies: list[bytes] = []
        self.content = b"0123456789"

    def _request(self) -> None:
        self.requests += 1
        if self.errors:
            raise self.errors.pop(0)

    def head(self, key: str) -> ObjectInfo | None:
        self._request()
        return None

    def abort(self, key: str, upload_id: str) -> None:
        self._request()

    def put_part(self, key: str, upload_id: str, number: int, body: PartReader) -> Part:
        self.bodies.append(body.read(4 if self.errors else -1))
        self._request()
        return Part(number=number, size=len(body), etag="", checksum="")

    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        if self.errors:
            yield self.content[start : start + 3]
        self._request()
        yield self.content[start : start + length]


def busy(times: int) -> list[BucketError]:
    return [TransientBucketError("busy")] * times


@pytest.fixture
def pauses() -> list[float]:
    return []


def test_a_request_is_retried_until_it_passes(pauses: list[float]) -> None:
    bucket = Failing(*busy(TRIES - 1))
    assert RetryingBucket(bucket, wait=pauses.append).head("k") is None
    assert bucket.requests == TRIES
    assert len(pauses) == TRIES - 1


def test_it_is_given_up_after_the_last_try(pauses: list[float]) -> None:
    bucket = Failing(*busy(100))
    with pytest.raises(TransientBucketError):
        RetryingBucket(bucket, wait=pauses.append).head("k")
    assert bucket.requests == TRIES


def test_pauses_have_growing_limits(pauses: list[float]) -> None:
    for _ in range(50):
        RetryingBucket(Failing(*busy(4)), wait=pauses.append, first_seconds=8.0).head("k")
    limits = [8.0, 16.0, LONGEST_SECONDS, LONGEST_SECONDS]
    longest = [max(pauses[number::4]) for number in range(4)]
    assert all(found <= limit for found, limit in zip(longest, limits, strict=True))
    assert longest[2] > limits[0]


@pytest.mark.parametrize("error", [AccessDenied("no"), UploadGone("gone"), ObjectGone("gone")])
def test_what_will_not_pass_is_not_retried(error: BucketError, pauses: list[float]) -> None:
    bucket = Failing(error)
    with pytest.raises(type(error)):
        RetryingBucket(bucket, wait=pauses.append).head("k")
    assert (bucket.requests, pauses) == (1, [])


def test_an_abort_is_requested_once(pauses: list[float]) -> None:
    bucket = Failing(*busy(1))
    with pytest.raises(TransientBucketError):
        RetryingBucket(bucket, wait=pauses.append).abort("k", "u")
    assert (bucket.requests, pauses) == (1, [])


def test_what_the_wait_raises_ends_the_request() -> None:
    def shut_down(_: float) -> None:
        raise KeyboardInterrupt

    bucket = Failing(*busy(1))
    with pytest.raises(KeyboardInterrupt):
        RetryingBucket(bucket, wait=shut_down).head("k")
    assert bucket.requests == 1


def test_a_body_goes_back_to_its_start(tmp_path: Path, pauses: list[float]) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"-0123456789")
    bucket = Failing(*busy(1))
    with PartReader(source, Span(1, 1, 10)) as body:
        RetryingBucket(bucket, wait=pauses.append).put_part("k", "u", 1, body)
    assert bucket.bodies == [b"0123", b"0123456789"]


def test_a_read_continues_where_it_broke(pauses: list[float]) -> None:
    bucket = Failing(*busy(2))
    assert b"".join(RetryingBucket(bucket, wait=pauses.append).read("k", 1, 9)) == b"123456789"
    assert (bucket.requests, pauses) == (3, [])


def test_a_read_of_an_object_that_is_gone_ends() -> None:
    with pytest.raises(ObjectGone):
        b"".join(RetryingBucket(Failing(ObjectGone("gone"))).read("k", 0, 10))
