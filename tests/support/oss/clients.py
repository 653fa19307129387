"""SDK clients of the endpoint, one for each way to sign."""

from collections.abc import Callable
from typing import Any, Final

import oss2
import pytest
from support.oss.server import ACCESS_KEY, BUCKET, REGION, SECRET

STS_KEY: Final = "STS.test"
STS_SECRET: Final = "sts-secret"
STS_TOKEN: Final = "sts-token"
#: What a server is given for all ``SIGNERS`` to pass.
KEYS: Final = {ACCESS_KEY: SECRET, STS_KEY: STS_SECRET}
TOKENS: Final = {STS_KEY: STS_TOKEN}


def v4_auth(access_key: str = ACCESS_KEY, secret: str = SECRET) -> Any:
    """Version 4 with a fixed key."""
    return oss2.ProviderAuthV4(oss2.credentials.StaticCredentialsProvider(access_key, secret))


SIGNERS: Final[dict[str, Callable[[], Any]]] = {
    "v1": lambda: oss2.Auth(ACCESS_KEY, SECRET),
    "v4": v4_auth,
    "sts-v1": lambda: oss2.StsAuth(STS_KEY, STS_SECRET, STS_TOKEN),
    "sts-v4": lambda: oss2.StsAuth(STS_KEY, STS_SECRET, STS_TOKEN, auth_version="v4"),
}


def bucket_client(url: str, auth: Any = None, *, region: str = REGION, **options: Any) -> Any:
    """An ``oss2.Bucket``; signs with version 1 unless told."""
    return oss2.Bucket(auth or SIGNERS["v1"](), url, BUCKET, region=region, **options)


def complete(bucket: Any, key: str, upload_id: str, parts: list[Any], **named: Any) -> Any:
    """Complete an upload and read the answer: the SDK does not, and so keeps the connection."""
    done = bucket.complete_multipart_upload(key, upload_id, parts, **named)
    done.resp.read()
    return done


def refused(call: Callable[..., object], *arguments: object, **named: object) -> tuple[int, str]:
    """Status and code a call is refused with."""
    with pytest.raises(oss2.exceptions.ServerError) as failure:
        call(*arguments, **named)
    return failure.value.status, failure.value.code


def crc64(data: bytes) -> int:
    """The SDK's CRC-64 of some bytes."""
    crc = oss2.utils.Crc64()
    crc.update(data)
    return int(crc.crc)
