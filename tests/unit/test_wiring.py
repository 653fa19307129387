"""Tests of the selection of adapters by the settings."""

from typing import Any

import pytest

from tusd_py.objects.oss import OssBucket
from tusd_py.objects.s3 import S3Bucket
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_bucket

OSS = {"bucket_name": "bucket", "region": "oss-cn-beijing"}
S3 = {"bucket": "bucket", "region": "eu-central-1"}


@pytest.mark.parametrize(("named", "kind"), [({"oss": OSS}, OssBucket), ({"s3": S3}, S3Bucket)])
def test_the_bucket_is_that_of_the_object_store(named: dict[str, Any], kind: type) -> None:
    assert isinstance(open_bucket(Settings(**named)), kind)


def test_the_local_store_has_no_bucket() -> None:
    with pytest.raises(ValueError, match="no bucket"):
        open_bucket(Settings())
