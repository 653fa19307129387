"""All buckets, and the operations on buckets themselves."""

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from support.oss import listings, objects
from support.oss.answers import Answer, xml_answer
from support.oss.bucket import Bucket
from support.oss.requests import OssError, OssRequest

from tusd_py.clock import Clock

_BUCKET_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_CREATED: Final = "2026-01-01T00:00:00.000Z"
_ON_BUCKET: Final[Mapping[str, Callable[[Bucket, OssRequest, Iterable[bytes]], Answer]]] = {
    "list_objects": listings.list_objects,
    "list_objects_v2": listings.list_objects_v2,
    "list_uploads": listings.list_uploads,
    "list_parts": listings.list_parts,
    "put": objects.put,
    "get": objects.get,
    "head": objects.head,
    "meta": objects.meta,
    "delete": objects.delete,
    "init": objects.init,
    "part": objects.part,
    "complete": objects.complete,
    "abort": objects.abort,
}


class OssService:
    """Holds all buckets below one directory."""

    def __init__(self, directory: Path, *, min_part: int, clock: Clock) -> None:
        self._directory = directory
        self._min_part = min_part
        self._clock = clock
        self._lock = threading.Lock()
        directory.mkdir(parents=True, exist_ok=True)
        self._buckets: dict[str, Bucket] = {
            path.name: self._open(path.name) for path in directory.iterdir()
        }
        self._on_service: Mapping[str, Callable[[OssRequest], Answer]] = {
            "list_buckets": self._list_buckets,
            "put_bucket": self._put_bucket,
            "delete_bucket": self._delete_bucket,
            "head_bucket": self._head_bucket,
            "bucket_info": self._bucket_info,
        }

    def carry_out(self, operation: str, request: OssRequest, body: Iterable[bytes]) -> Answer:
        """Carry out an authorized request and return the answer.

        Raises: OssError: the request is refused.
        """
        if operation in _ON_BUCKET:
            return _ON_BUCKET[operation](self._bucket(request), request, body)
        return self._on_service[operation](request)

    def create_bucket(self, name: str) -> None:
        """Make a bucket; one that exists stays as it is."""
        if not _BUCKET_NAME.fullmatch(name):
            raise OssError(400, "InvalidBucketName")
        with self._lock:
            if name not in self._buckets:
                self._buckets[name] = self._open(name)

    def age(self, seconds: float) -> None:
        """Make everything look older by this number of seconds."""
        for bucket in list(self._buckets.values()):
            bucket.age(seconds)

    def _open(self, name: str) -> Bucket:
        return Bucket(self._directory / name, min_part=self._min_part, clock=self._clock)

    def _bucket(self, request: OssRequest) -> Bucket:
        found = self._buckets.get(request.bucket)
        if found is None:
            raise OssError(404, "NoSuchBucket", "The specified bucket does not exist.")
        return found

    def _list_buckets(self, request: OssRequest) -> Answer:
        prefix, marker = request.query.get("prefix", ""), request.query.get("marker", "")
        names = sorted(name for name in self._buckets if name.startswith(prefix) and name > marker)
        limit = request.number("max-keys", 100, 1, 1000)
        more = len(names) > limit
        return xml_answer(
            "ListAllMyBucketsResult",
            [
                ("Owner", [("ID", "1"), ("DisplayName", "1")]),
                ("IsTruncated", str(more).lower()),
                *([("NextMarker", names[limit - 1])] if more else []),
                ("Buckets", [("Bucket", self._described(name)) for name in names[:limit]]),
            ],
        )

    def _described(self, name: str) -> list[tuple[str, str]]:
        return [
            ("Name", name),
            ("Location", "oss-cn-hangzhou"),
            ("CreationDate", _CREATED),
            ("ExtranetEndpoint", "oss-cn-hangzhou.aliyuncs.com"),
            ("IntranetEndpoint", "oss-cn-hangzhou-internal.aliyuncs.com"),
            ("StorageClass", "Standard"),
        ]

    def _put_bucket(self, request: OssRequest) -> Answer:
        self.create_bucket(request.bucket)
        return Answer(200)

    def _delete_bucket(self, request: OssRequest) -> Answer:
        self._bucket(request).remove()
        del self._buckets[request.bucket]
        return Answer(204)

    def _head_bucket(self, request: OssRequest) -> Answer:
        self._bucket(request)
        return Answer(200)

    def _bucket_info(self, request: OssRequest) -> Answer:
        self._bucket(request)
        owner = ("Owner", [("ID", "1"), ("DisplayName", "1")])
        grant = ("AccessControlList", [("Grant", "private")])
        return xml_answer(
            "BucketInfo", [("Bucket", [*self._described(request.bucket), owner, grant])]
        )
