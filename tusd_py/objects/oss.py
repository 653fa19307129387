"""Implement ``objects.bucket.Bucket`` with oss2, for Alibaba Cloud OSS.

Signatures are V4. CRC-64 is compared on every request with a body and for the whole object
(requirement S25, faults 28 to 32).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import Any, Final

import crcmod
import oss2
import requests
from oss2.crc64_combine import mkCombineFun
from oss2.credentials import (
    CredentialsProvider,
    EcsRamRoleCredential,
    EcsRamRoleCredentialsProvider,
    StaticCredentialsProvider,
)
from oss2.exceptions import ClientError, NoSuchKey, NoSuchUpload, NotFound, OssError, ServerError
from oss2.utils import to_unixtime
from typing_extensions import override

from tusd_py.bounded_http import fetch_document
from tusd_py.domain.multipart import Part
from tusd_py.domain.untrusted_json import read_json_object
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
CREDENTIALS_SECONDS: Final = 10.0
CREDENTIALS_LIFE_SECONDS: Final = 6 * 3600
MAX_CREDENTIALS_BYTES: Final = 64 << 10
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
_POLYNOMIAL: Final = 0x142F0E1EBA9EA3693
_ALL_ONES: Final = 0xFFFFFFFFFFFFFFFF
_combine_crc: Final = mkCombineFun(_POLYNOMIAL, 0, True, _ALL_ONES)
_TRANSIENT_STATUS: Final = (408, 429)


def static_credentials(key_id: str, secret: str, token: str) -> CredentialsProvider:
    """Return a key pair, with an STS token if it is a temporary one."""
    return StaticCredentialsProvider(key_id, secret, token)


def fetched_credentials(url: str) -> CredentialsProvider:
    """Return temporary credentials from an address, which are renewed before they expire.

    The address answers as the ECS metadata service does: JSON with AccessKeyId, AccessKeySecret,
    SecurityToken and Expiration.
    """
    provider = EcsRamRoleCredentialsProvider(url)
    provider.fetcher = _CredentialsFetcher(url)
    return provider


class _CredentialsFetcher:
    """Replaces oss2's fetcher, which follows redirects, has no size limit and logs the address."""

    def __init__(self, url: str) -> None:
        self._url = url

    def fetch(
        self, retry_times: int = 3, timeout: float = CREDENTIALS_SECONDS
    ) -> EcsRamRoleCredential:
        """Fetch temporary keys for oss2, which calls this.

        There is one try: oss2 has its own retries.

        Raises: ClientError.
        """
        del retry_times, timeout
        try:
            document = fetch_document(
                self._url, seconds=CREDENTIALS_SECONDS, max_bytes=MAX_CREDENTIALS_BYTES
            )
            return _credential(read_json_object(document))
        except Exception as error:  # noqa: BLE001  (it may name the address, which may hold a secret)
            raise ClientError(f"no temporary keys ({type(error).__name__})") from None


def _credential(members: dict[str, Any]) -> EcsRamRoleCredential:
    """Read temporary keys of the ECS metadata service. Raises: KeyError, ValueError, TypeError."""
    if members["Code"] != "Success":
        raise ValueError("no success")
    ends = to_unixtime(members["Expiration"], _TIME)
    begun = members.get("LastUpdated")
    life = ends - to_unixtime(begun, _TIME) if begun is not None else CREDENTIALS_LIFE_SECONDS
    key_id, secret, token = (
        str(members[name]) for name in ("AccessKeyId", "AccessKeySecret", "SecurityToken")
    )
    return EcsRamRoleCredential(key_id, secret, token, ends, life)


def signing_region(region: str) -> str:
    """Return ``cn-beijing`` for the original API's ``oss-cn-beijing``, which names an endpoint."""
    return region.removeprefix("oss-").removesuffix("-internal")


def endpoint_of(region: str) -> str:
    """Return the endpoint that ``OSS_REGION`` names; with ``-internal``, the internal one."""
    name = region if region.startswith("oss-") else f"oss-{region}"
    return f"https://{name}.aliyuncs.com"


class OssBucket(Bucket):
    """One bucket. It can be used from any thread."""

    def __init__(
        self,
        credentials: CredentialsProvider,
        *,
        name: str,
        region: str,
        endpoint: str,
        public_endpoint: str,
    ) -> None:
        """Open the bucket.

        Args: endpoint, public_endpoint: URLs without the bucket; signed links and addresses
            use the public one.
        """
        auth = oss2.ProviderAuthV4(credentials)

        def bucket(base: str, seconds: tuple[float, float]) -> Any:  # noqa: ANN401  (oss2 is untyped)
            return oss2.Bucket(
                auth,
                base,
                name,
                session=oss2.Session(pool_size=CONNECTIONS),
                connect_timeout=seconds,
                region=signing_region(region),
            )

        self._bucket = bucket(endpoint, (CONNECT_SECONDS, ANSWER_SECONDS))
        self._check_bucket = bucket(endpoint, (CHECK_SECONDS / 2, CHECK_SECONDS / 2))
        self._public = bucket(public_endpoint, (CONNECT_SECONDS, ANSWER_SECONDS))
        self._name = name

    @override
    @property
    def address(self) -> str:
        url: str = self._public._make_url(self._name, "")
        return url.rstrip("/")

    @override
    def check(self) -> None:
        with _errors():
            self._check_bucket.list_objects_v2(max_keys=1)

    @override
    def head(self, key: str) -> ObjectInfo | None:
        with _errors():
            try:
                answer = self._bucket.head_object(key)
            except NotFound:
                return None
        crc = answer.server_crc
        return ObjectInfo(size=int(answer.content_length), checksum="" if crc is None else str(crc))

    @override
    def checksum(self, body: PartReader) -> str:
        """Compute the CRC-64, decimal."""
        crc = crcmod.Crc(_POLYNOMIAL, initCrc=0, xorOut=_ALL_ONES)
        while piece := body.read(MIB):
            crc.update(piece)
        return str(crc.crcValue)

    @override
    def checksum_matches(self, found: ObjectInfo, parts: Sequence[Part]) -> bool:
        return not found.checksum or found.checksum == combined_crc(parts)

    @override
    def put(self, key: str, body: PartReader, content_type: str) -> Part:
        with _errors():
            answer = self._bucket.put_object(key, body, headers={"Content-Type": content_type})
        return Part(number=1, size=len(body), etag=answer.etag, checksum=str(answer.crc))

    @override
    def create_upload(self, key: str, content_type: str) -> str:
        with _errors():
            answer = self._bucket.init_multipart_upload(key, headers={"Content-Type": content_type})
        return str(answer.upload_id)

    @override
    def put_part(self, key: str, upload_id: str, number: int, body: PartReader) -> Part:
        with _errors():
            answer = self._bucket.upload_part(key, upload_id, number, body)
        return Part(number=number, size=len(body), etag=answer.etag, checksum=str(answer.crc))

    @override
    def list_parts(self, key: str, upload_id: str) -> dict[int, tuple[str, int]]:
        found: dict[int, tuple[str, int]] = {}
        marker = ""
        while True:
            with _errors():
                answer = self._bucket.list_parts(key, upload_id, marker=marker)
            for part in answer.parts:
                found[int(part.part_number)] = (part.etag, int(part.size))
            if not answer.is_truncated:
                return found
            marker = answer.next_marker

    @override
    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        # Without the CRC of each part, oss2 compares nothing; ``checksum_matches`` compares
        # afterwards.
        listed = [oss2.models.PartInfo(part.number, part.etag) for part in parts]
        with _errors():
            answer = self._bucket.complete_multipart_upload(key, upload_id, listed)
            # oss2 does not read the answer, so that its connection would not return to the pool.
            answer.resp.read()

    @override
    def abort(self, key: str, upload_id: str) -> None:
        with _errors():
            self._bucket.abort_multipart_upload(key, upload_id)

    @override
    def read(self, key: str, start: int, length: int) -> Iterator[bytes]:
        with _errors():
            answer = self._bucket.get_object(
                key,
                byte_range=(start, start + length - 1),
                # Without it, OSS answers a range beyond the end with the whole object.
                headers={"x-oss-range-behavior": "standard"},
            )
            with answer:
                while length > 0:
                    piece = answer.read(min(MIB, length))
                    if not piece:
                        raise TransientBucketError("the answer ended early")
                    length -= len(piece)
                    yield piece

    @override
    def delete(self, key: str) -> None:
        with _errors():
            self._bucket.delete_object(key)

    @override
    def list_keys(self, prefix: str) -> Iterator[tuple[str, float]]:
        token = ""
        while True:
            with _errors():
                answer = self._bucket.list_objects_v2(
                    prefix=prefix, continuation_token=token, max_keys=1000
                )
            for entry in answer.object_list:
                yield entry.key, float(entry.last_modified)
            if not answer.is_truncated:
                return
            token = answer.next_continuation_token

    @override
    def list_uploads(self, prefix: str) -> Iterator[IncompleteUpload]:
        key_marker = id_marker = ""
        while True:
            with _errors():
                answer = self._bucket.list_multipart_uploads(
                    prefix=prefix, key_marker=key_marker, upload_id_marker=id_marker
                )
            for upload in answer.upload_list:
                yield IncompleteUpload(
                    key=upload.key,
                    upload_id=upload.upload_id,
                    begun_at=float(upload.initiation_date),
                )
            if not answer.is_truncated:
                return
            key_marker, id_marker = answer.next_key_marker, answer.next_upload_id_marker

    @override
    def link(self, key: str, *, disposition: str, seconds: float) -> str:
        with _errors():
            url: str = self._public.sign_url(
                "GET",
                key,
                int(seconds),
                params={"response-content-disposition": disposition},
                slash_safe=True,
            )
        return url


def combined_crc(parts: Sequence[Part]) -> str:
    """Combine the CRC-64 of each part into that of the whole object (decimal)."""
    total = reduce(lambda crc, part: _combine_crc(crc, int(part.checksum), part.size), parts, 0)
    return str(total)


@contextmanager
def _errors() -> Iterator[None]:
    """Turn the errors of oss2 into BucketErrors.

    The texts of oss2 contain key ids and what was signed, so that only codes are passed on.
    """
    try:
        yield
    except NoSuchUpload as error:
        raise UploadGone(_error_text(error)) from error
    except NoSuchKey as error:
        raise ObjectGone(_error_text(error)) from error
    except ServerError as error:
        passes = error.status >= 500 or error.status in _TRANSIENT_STATUS
        raise (TransientBucketError if passes else AccessDenied)(_error_text(error)) from error
    except OssError as error:
        # There was no answer, the CRC differed, or there are no credentials.
        raise TransientBucketError(type(error).__name__) from error
    except requests.RequestException as error:
        raise TransientBucketError(type(error).__name__) from error


def _error_text(error: OssError) -> str:
    return f"{error.status} {error.code}, request {error.request_id}"
