"""Tests what the errors of a bucket become."""

from collections.abc import Callable

import pytest

from tusd_py.domain.errors import BackendError, TransientError
from tusd_py.objects.keys import object_key
from tusd_py.objects.remote import RemoteObjects
from tusd_py.objects.s3 import S3Bucket

KEY = object_key("0a" * 32, "")


@pytest.fixture
def without_credentials(monkeypatch: pytest.MonkeyPatch) -> RemoteObjects:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    bucket = S3Bucket(
        endpoint="http://127.0.0.1:1",
        public_endpoint="http://127.0.0.1:1",
        name="b",
        region="r",
        style="path",
        key_id="",
        secret="",
        token="",
    )
    return RemoteObjects(bucket, first_pause=0.01)


CALLS: list[tuple[Callable[[RemoteObjects], object], type[BackendError | TransientError]]] = [
    (RemoteObjects.check, BackendError),
    (lambda objects: objects.head(KEY), TransientError),
    (lambda objects: objects.url(KEY), TransientError),
]


@pytest.mark.parametrize(("call", "kind"), CALLS)
def test_a_bucket_without_credentials_is_an_error_of_the_domain(
    without_credentials: RemoteObjects,
    call: Callable[[RemoteObjects], object],
    kind: type[BackendError | TransientError],
) -> None:
    with pytest.raises(kind) as failed:
        call(without_credentials)
    assert failed.value.reason == "the object store, the bucket: NoCredentialsError"
