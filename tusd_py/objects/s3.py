"""Implement ``objects.bucket.Bucket`` with boto3, for S3 and compatible stores.

These are Qiniu Kodo, MinIO, Ceph, R2 and others. Every body is sent with its MD5 (Content-MD5),
which the store compares before it accepts the body (requirement S25).
"""

import base64
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    HTTPClientError,
    IncompleteReadError,
)
from botocore.exceptions import ConnectionError as NotConnected
from typing_extensions import override

from tusd_py.domain.multipart import Part
from tusd_py.objects.bucket import (
    AccessDenied,
    Bucket,
    ObjectGone,
    ObjectInfo,
    TransientBucketError,
    UploadGone,
)
from tusd_py.objects.parts import MIB, PartReader
from tusd_py.objects.port import CHECK_SECONDS, IncompleteUpload

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 60.0
CONNECTIONS: Final = 32
_TRANSIENT_CODES: Final = frozenset(
    {"BadDigest", "RequestTimeout", "SlowDown", "Throttling", "TooManyRequests", "InternalError"}
)
_KEY_CODES: Final = frozenset({"NoSuchKey", "404", "NotFound"})
_MD5_TAG: Final = re.compile(r"[0-9a-f]{32}(?:-[0-9]+)?")


class S3Bucket(Bucket):
    """One bucket. It can be used from any thread."""

    def __init__(
        self,
        *,
        name: str,
        region: str,
        endpoint: str,
        public_endpoint: str,
        style: str,
        key_id: str,
        secret: str,
        token: str,
    ) -> None:
        """Open the bucket.

        Args: endpoint, public_endpoint: URLs without the bucket, '' for Amazon's own; signed links
            and addresses are made from the public one; style: ``path`` or ``virtual``, the place of
            the bucket's name; key_id: if it is empty, boto3 reads credentials from its usual
            sources (environment, profile, instance role).
        """
        session = boto3.session.Session()

        def client(base: str, seconds: float, connect_seconds: float) -> Any:  # noqa: ANN401  (boto3 makes its methods)
            return session.client(
                "s3",
                region_name=region or None,
                endpoint_url=base or None,
                aws_access_key_id=key_id or None,
                aws_secret_access_key=secret or None,
                aws_session_token=token or None,
                config=Config(
                    signature_version="s3v4",
                    connect_timeout=connect_seconds,
                    read_timeout=seconds,
                    retries={"total_max_attempts": 1},
                    max_pool_connections=CONNECTIONS,
                    # Not every store knows the newer checksums; all know Content-MD5.
                    request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    # The MD5 protects the body; a signature of it would need a second read.
                    s3={
                        "payload_signing_enabled": False,
                        "addressing_style": style,
                    },
                ),
            )

        self._client = client(endpoint, ANSWER_SECONDS, CONNECT_SECONDS)
        self._check_client = client(endpoint, CHECK_SECONDS / 2, CHECK_SECONDS / 2)
        self._public = self._client
        if public_endpoint != endpoint:
            self._public = client(public_endpoint, ANSWER_SECONDS, CONNECT_SECONDS)
        self._name = name

    @override
    @property
    def address(self) -> str:
        with _errors():
            url: str = self._public.generate_presigned_url(
                "get_object", Params={"Bucket": self._name, "Key": "x"}, ExpiresIn=60
            )
        return url.partition("?")[0].removesuffix("/x")

    @override
    def check(self) -> None:
        with _errors():
            self._check_client.list_objects_v2(Bucket=self._name, MaxKeys=1)

    @override
    def head(self, key: str) -> ObjectInfo | None:
        try:
            with _errors():
                answer = self._client.head_object(Bucket=self._name, Key=key)
        except ObjectGone:
            return None
        return ObjectInfo(size=int(answer["ContentLength"]), checksum=_tag(answer))

    @override
    def checksum(self, body: PartReader) -> str:
        """Compute the MD5, hexadecimal."""
        digest = hashlib.md5(usedforsecurity=False)
        while piece := body.read(MIB):
            digest.update(piece)
        return digest.hexdigest()

    @override
    def checksum_matches(self, found: ObjectInfo, parts: Sequence[Part]) -> bool:
        """Compare ETags, which are MD5s in most stores, but not under every encryption."""
        opaque = any(part.etag and part.etag != part.checksum for part in parts)
        return opaque or not found.checksum or found.checksum in _expected_tags(parts)

    @override
    def put(self, key: str, body: PartReader, content_type: str) -> Part:
        digest = self._digest(body)
        with _errors():
            answer = self._client.put_object(
                Bucket=self._name,
                Key=key,
                Body=body,
                ContentLength=len(body),
                ContentMD5=_base64(digest),
                ContentType=content_type,
            )
        return Part(number=1, size=len(body), etag=_etag(answer), checksum=digest)

    @override
    def create_upload(self, key: str, content_type: str) -> str:
        with _errors():
            answer = self._client.create_multipart_upload(
                Bucket=self._name, Key=key, ContentType=content_type
            )
        return str(answer["UploadId"])

    @override
    def put_part(self, key: str, upload_id: str, number: int, body: PartReader) -> Part:
        digest = self._digest(body)
        with _errors():
            answer = self._client.upload_part(
                Bucket=self._name,
                Key=key,
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                ContentLength=len(body),
                ContentMD5=_base64(digest),
            )
        return Part(number=number, size=len(body), etag=_etag(answer), checksum=digest)

    def _digest(self, body: PartReader) -> str:
        with body.without_progress():
            digest = self.checksum(body)
            body.seek(0)
        return digest

    @override
    def list_parts(self, key: str, upload_id: str) -> dict[int, tuple[str, int]]:
        pages = self._client.get_paginator("list_parts").paginate(
            Bucket=self._name, Key=key, UploadId=upload_id
        )
        with _errors():
            return {
                part["PartNumber"]: (_etag(part), int(part["Size"]))
                for page in pages
                for part in page.get("Parts", ())
            }

    @override
    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        listed = [{"PartNumber": part.number, "ETag": f'"{part.etag}"'} for part in parts]
        with _errors():
            self._client.complete_multipart_upload(
                Bucket=self._name, Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )

    @override
    def abort(self, key: str, upload_id: str) -> None:
        with _errors():
            self._client.abort_multipart_upload(Bucket=self._name, Key=key, UploadId=upload_id)

    @override
    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        with _errors():
            answer = self._client.get_object(
                Bucket=self._name, Key=key, Range=f"bytes={start}-{start + length - 1}"
            )
            body = answer["Body"]
            try:
                while length > 0:
                    piece = body.read(min(MIB, length))
                    if not piece:
                        raise TransientBucketError("the answer ended early")
                    length -= len(piece)
                    yield piece
            finally:
                body.close()

    @override
    def delete(self, key: str) -> None:
        with _errors():
            self._client.delete_object(Bucket=self._name, Key=key)

    @override
    def list_keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._name, Prefix=prefix
        )
        with _errors():
            for page in pages:
                for entry in page.get("Contents", ()):
                    yield entry["Key"], entry["LastModified"].timestamp()

    @override
    def list_uploads(self, prefix: str) -> Iterator[IncompleteUpload]:
        pages = self._client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self._name, Prefix=prefix
        )
        with _errors():
            for page in pages:
                for upload in page.get("Uploads", ()):
                    yield IncompleteUpload(
                        key=upload["Key"],
                        upload_id=upload["UploadId"],
                        begun_at=upload["Initiated"].timestamp(),
                    )

    @override
    def link(self, key: str, *, disposition: str, seconds: float) -> str:
        with _errors():
            url: str = self._public.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._name,
                    "Key": key,
                    "ResponseContentDisposition": disposition,
                },
                ExpiresIn=int(seconds),
            )
        return url


def _base64(digest: str) -> str:
    return base64.b64encode(bytes.fromhex(digest)).decode()


def _etag(answer: dict[str, Any]) -> str:
    return str(answer["ETag"]).strip('"')


def _tag(answer: dict[str, Any]) -> str:
    """Return the ETag if it can be an MD5, else ''."""
    encrypted = answer.get("ServerSideEncryption", "").startswith("aws:kms")
    hidden = encrypted or "SSECustomerAlgorithm" in answer
    tag = _etag(answer)
    return tag if _MD5_TAG.fullmatch(tag) and not hidden else ""


def _expected_tags(parts: Sequence[Part]) -> tuple[str, ...]:
    """Return the ETags that an object of these parts may have: sent by one request, or in parts."""
    digests = b"".join(bytes.fromhex(part.checksum) for part in parts)
    joined = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
    return (parts[0].checksum, joined) if len(parts) == 1 else (joined,)


@contextmanager
def _errors() -> Iterator[None]:
    """Turn the errors of boto3 into BucketErrors.

    The texts of boto3 contain key ids and what was signed, so that only codes are passed on.
    """
    try:
        yield
    except ClientError as error:
        raise _translated(error) from error
    except (HTTPClientError, NotConnected, IncompleteReadError, CredentialRetrievalError) as error:
        # boto3 also wraps what the body raised, such as LeaseLost: the pause before the next try
        # reports progress, which raises it again.
        raise TransientBucketError(type(error).__name__) from error
    except BotoCoreError as error:
        raise AccessDenied(type(error).__name__) from error


def _translated(
    error: ClientError,
) -> TransientBucketError | AccessDenied | UploadGone | ObjectGone:
    code = str(error.response.get("Error", {}).get("Code", ""))
    answer = error.response.get("ResponseMetadata", {})
    status = int(answer.get("HTTPStatusCode", 0))
    text = f"{status} {code}, request {answer.get('RequestId', '')}"
    if code == "NoSuchUpload":
        return UploadGone(text)
    if code in _KEY_CODES:
        return ObjectGone(text)
    passes = status >= 500 or status == 429 or code in _TRANSIENT_CODES
    return TransientBucketError(text) if passes else AccessDenied(text)
