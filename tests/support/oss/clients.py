"""SDK clients of the endpoint, one for each kind of signature."""

from collections.abc import Callable
from typing import Any, Final

import oss2
import pytest
from support.oss.server import ACCESS_KEY, BUCKET, REGION, SECRET

STS_KEY: Final = "STS.test"
STS_SECRET: Final = "sts-secret"
STS_TOKEN: Final = "sts-token"
#: What a server needs so that all ``SIGNERS`` pass.
KEYS: Final = {ACCESS_KEY: SECRET, STS_KEY: STS_SECRET}
TOKENS: Final = {STS_KEY: STS_TOKEN}


def v4_auth(access_key: str = ACCESS_KEY, secret: str = SECRET) -> Any:
    """Return an authentication by version 4 with a fixed key."""
    return oss2.ProviderAuthV4(oss2.credentials.StaticCredentialsProvider(access_key, secret))


SIGNERS: Final[dict[str, Callable[[], Any]]] = {
    "v1": lambda: oss2.Auth(ACCESS_KEY, SECRET),
    "v4": v4_auth,
    "sts-v1": lambda: oss2.StsAuth(STS_KEY, STS_SECRET, STS_TOKEN),
    "sts-v4": lambda: oss2.StsAuth(STS_KEY, STS_SECRET, STS_TOKEN, auth_version="v4"),
}


def bucket_client(url: str, auth: Any = None, *, region: str = REGION, **options: Any) -> Any:
    """Return an ``oss2.Bucket``; it signs with version 1 unless ``auth`` is given."""
    return oss2.Bucket(auth or SIGNERS["v1"](), url, BUCKET, region=region, **options)


def complete(bucket: Any, key: str, upload_id: str, parts: list[Any], **named: Any) -> Any:
    """Complete an upload and read the answer.

    The SDK does not read it, and so does not return the connection to its pool.
    """
    done = bucket.complete_multipart_upload(key, upload_id, parts, **named)
    done.resp.read()
    return done


def refused(call: Callable[..., object], *arguments: object, **named: object) -> tuple[int, str]:
    """Return the status and the code with which a call is refused."""
    with pytest.raises(oss2.exceptions.ServerError) as failure:
        call(*arguments, **named)
    return failure.value.status, failure.value.code


def crc64(data: bytes) -> int:
    """Return the SDK's CRC-64 of some bytes."""
    crc = oss2.utils.Crc64()
    crc.update(data)
    return int(crc.crc)
