"""Tests which object store is taken, and that its settings are whole."""

from typing import Any

import pytest

from tusd_py.settings.objects import S3Settings
from tusd_py.settings.sources import SettingsError, load_settings


@pytest.mark.parametrize(
    ("environ", "store"),
    [
        ({}, "local"),
        ({"OSS_BUCKET_NAME": "b", "OSS_REGION": "oss-cn-beijing"}, "oss"),
        ({"TUSD_S3__BUCKET": "b"}, "s3"),
        ({"TUSD_S3__BUCKET": "b", "TUSD_OBJECTS__STORE": "local"}, "local"),
        (
            {
                "TUSD_S3__BUCKET": "b",
                "OSS_BUCKET_NAME": "b",
                "OSS_REGION": "oss-cn-beijing",
                "TUSD_OBJECTS__STORE": "oss",
            },
            "oss",
        ),
    ],
)
def test_the_store_whose_bucket_is_named_is_taken(environ: dict[str, str], store: str) -> None:
    assert load_settings(None, environ, {}).object_store == store


@pytest.mark.parametrize(
    ("environ", "place"),
    [
        ({"TUSD_S3__BUCKET": "b", "OSS_BUCKET_NAME": "b", "OSS_REGION": "r"}, "say which one"),
        ({"TUSD_OBJECTS__STORE": "s3"}, r"s3\.bucket"),
        ({"TUSD_OBJECTS__STORE": "oss"}, r"oss\.bucket_name"),
        ({"OSS_BUCKET_NAME": "b"}, r"oss\.region"),
        ({"TUSD_OBJECTS__PART_SIZE": "1MiB"}, "TUSD_OBJECTS__PART_SIZE"),
    ],
)
def test_an_incomplete_store_is_refused(environ: dict[str, str], place: str) -> None:
    with pytest.raises(SettingsError, match=place):
        load_settings(None, environ, {})


@pytest.mark.parametrize(
    ("values", "style"),
    [
        ({}, "virtual"),
        ({"endpoint": "https://s3.cn-east-1.qiniucs.com"}, "path"),
        ({"endpoint": "https://s3.example", "addressing": "virtual"}, "virtual"),
        ({"addressing": "path"}, "path"),
    ],
)
def test_the_bucket_is_where_the_endpoint_wants_it(values: dict[str, Any], style: str) -> None:
    assert S3Settings(**values).style() == style
