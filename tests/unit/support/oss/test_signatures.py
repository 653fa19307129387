"""The OSS endpoint of the tests accepts only requests that are signed rightly."""

from typing import Any

import httpx
import oss2
import pytest
from support.clock import FakeClock
from support.oss.clients import SIGNERS, STS_KEY, STS_SECRET, bucket_client, v4_auth
from support.oss.server import ACCESS_KEY, SECRET, OssServer

STS = oss2.StsAuth


def refusal(http: httpx.Client, bucket: oss2.Bucket) -> tuple[int, str]:
    """Return how a put is refused; the same holds for a signed link."""
    with pytest.raises(oss2.exceptions.ServerError) as failure:
        bucket.put_object("key", b"x")
    code = (failure.value.status, failure.value.code)
    answer = http.put(bucket.sign_url("PUT", "key", 60), content=b"x")
    assert (answer.status_code, code_in(answer)) == code
    return code


def code_in(answer: httpx.Response) -> str:
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        (oss2.Auth(ACCESS_KEY, "wrong"), "SignatureDoesNotMatch"),
        (v4_auth(secret="wrong"), "SignatureDoesNotMatch"),
        (oss2.Auth("unknown", SECRET), "InvalidAccessKeyId"),
        (v4_auth(access_key="unknown"), "InvalidAccessKeyId"),
        (oss2.Auth(STS_KEY, STS_SECRET), "InvalidAccessKeyId"),
        (v4_auth(STS_KEY, STS_SECRET), "InvalidAccessKeyId"),
        (STS(STS_KEY, STS_SECRET, "wrong"), "InvalidSecurityToken"),
        (STS(STS_KEY, STS_SECRET, "wrong", auth_version="v4"), "InvalidSecurityToken"),
        (STS(ACCESS_KEY, SECRET, "needless"), "InvalidAccessKeyId"),
    ],
)
def test_a_wrong_key_secret_or_token_is_refused(
    http: httpx.Client, oss: OssServer, auth: Any, code: str
) -> None:
    assert refusal(http, bucket_client(oss.url, auth)) == (403, code)
    assert not bucket_client(oss.url).object_exists("key")


def test_a_region_that_is_not_the_buckets_is_refused(http: httpx.Client, oss: OssServer) -> None:
    bucket = bucket_client(oss.url, v4_auth(), region="cn-beijing")
    assert refusal(http, bucket) == (400, "InvalidArgument")


@pytest.mark.parametrize("signer", SIGNERS)
@pytest.mark.parametrize("seconds", [-1000.0, 1000.0])
def test_a_skewed_clock_is_refused(
    oss: OssServer, clock: FakeClock, signer: str, seconds: float
) -> None:
    clock.jump(seconds)
    bucket = bucket_client(oss.url, SIGNERS[signer]())
    with pytest.raises(oss2.exceptions.ServerError) as failure:
        bucket.put_object("key", b"x")
    assert (failure.value.status, failure.value.code) == (403, "RequestTimeTooSkewed")


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_link_expires(http: httpx.Client, oss: OssServer, clock: FakeClock, signer: str) -> None:
    bucket = bucket_client(oss.url, SIGNERS[signer]())
    bucket.put_object("key", b"x")
    link = bucket.sign_url("GET", "key", 60)
    clock.advance(50)
    assert http.get(link).content == b"x"
    clock.advance(15)
    late = http.get(link)
    assert (late.status_code, code_in(late)) == (403, "AccessDenied")


@pytest.mark.parametrize("signer", SIGNERS)
def test_a_link_is_good_for_what_it_names_only(
    http: httpx.Client, oss: OssServer, signer: str
) -> None:
    bucket = bucket_client(oss.url, SIGNERS[signer]())
    bucket.put_object("key", b"x")
    bucket.put_object("kez", b"x")
    link = bucket.sign_url("GET", "key", 60, params={"response-content-type": "a/b"})
    changed = [
        link.replace("/key?", "/kez?"),
        link.replace("a%2Fb", "a%2Fc"),
        link + "&response-expires=0",
        link.replace("key?", "key?uploadId=1&"),
    ]
    assert http.get(link).status_code == 200
    for other in changed:
        assert other != link
        assert code_in(http.get(other)) in {"SignatureDoesNotMatch", "NotImplemented"}
    assert code_in(http.put(link)) in {"SignatureDoesNotMatch", "NotImplemented"}
    assert code_in(http.get(link, headers={"Content-Type": "x/y"})) == "SignatureDoesNotMatch"
    assert code_in(http.get(link, headers={"x-oss-meta-a": "b"})) == "SignatureDoesNotMatch"


def test_a_link_of_version_4_lasts_a_week_at_most(http: httpx.Client, oss: OssServer) -> None:
    bucket = bucket_client(oss.url, v4_auth())
    answer = http.get(bucket.sign_url("GET", "key", 7 * 86400 + 1))
    assert (answer.status_code, code_in(answer)) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    "authorization",
    [
        "OSS", "OSS x", "OSS a:b", "OSS2 AccessKeyId:a,Signature:b", "Basic YTpi",
        "OSS4-HMAC-SHA256 Signature=1", "OSS4-HMAC-SHA256 Credential=a/b,Signature=1",
    ],
)  # fmt: skip
def test_a_malformed_signature_is_a_bad_request(
    http: httpx.Client, oss: OssServer, authorization: str
) -> None:
    answer = http.get(f"{oss.url}/test-bucket/key", headers={"Authorization": authorization})
    assert (answer.status_code, code_in(answer)) == (400, "InvalidArgument")


def test_unsigned_requests_are_refused(http: httpx.Client, oss: OssServer) -> None:
    answer = http.get(f"{oss.url}/test-bucket/key")
    assert (answer.status_code, code_in(answer)) == (403, "AccessDenied")
