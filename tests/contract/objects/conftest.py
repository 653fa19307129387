"""A bucket of each remote kind."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.oss.configured import bucket_at
from support.oss.server import OssServer
from support.s3 import KEY_ID, S3Server
from support.s3 import REGION as S3_REGION
from support.s3 import SECRET as S3_SECRET

from tusd_py.objects.oss import OssBucket
from tusd_py.objects.s3 import S3Bucket


@pytest.fixture
def oss_server(tmp_path: Path) -> Iterator[OssServer]:
    server = OssServer(tmp_path / "oss").start()
    yield server
    server.close()


@pytest.fixture
def oss_bucket(oss_server: OssServer) -> OssBucket:
    return bucket_at(oss_server.url)


@pytest.fixture
def s3_bucket(s3_server: S3Server) -> S3Bucket:
    return S3Bucket(
        name=s3_server.bucket(),
        region=S3_REGION,
        endpoint=s3_server.url,
        public_endpoint=s3_server.url,
        style="path",
        key_id=KEY_ID,
        secret=S3_SECRET,
        token="",
    )
