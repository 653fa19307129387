"""Check the bucket of finished objects: each right is used once, on a key of the doctor."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from tusd_py.doctor.findings import Finding, note, ok, problem, warning
from tusd_py.objects.bucket import AccessDenied, Bucket, BucketError
from tusd_py.objects.parts import PartReader, Span
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_bucket

CONTENT: Final = b"tusd-doctor\n"
LINK_SECONDS: Final = 60.0
ANSWER_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketFacts:
    """Facts about a bucket."""

    failed: Mapping[str, BucketError]
    """The error of each right that was refused; after a transient error nothing else was tried."""
    link_status: int | None
    """The status of the signed link; None: there was no answer, or no object to link to."""
    open_status: int | None
    """The status of the same address without its signature."""
    address: str


def check_objects(settings: Settings) -> list[Finding]:
    """Read the facts and return the findings; the object and the upload are removed again."""
    store = settings.object_store
    if store == "local":
        return []
    bucket = open_bucket(settings)
    try:
        bucket.check()
    except AccessDenied:
        return [
            problem(
                "objects.reachable",
                "The store answers, and refuses: keys, region, or the name of the bucket are "
                "wrong.",
                _KEYS[store],
            )
        ]
    except BucketError:
        return [
            problem(
                "objects.reachable",
                "The store can't be reached, or no temporary keys could be had.",
                _PLACE[store],
            )
        ]
    return judge_objects(
        store, _read_facts(bucket), redirects=settings.objects.downloads == "redirect"
    )


_KEYS: Final = {
    "oss": "Look at OSS_ACCESS_KEY_ID, OSS_ACCESS_KEY_SECRET, OSS_REGION and OSS_BUCKET_NAME.",
    "s3": "Look at s3.access_key_id, s3.secret_access_key, s3.region and s3.bucket.",
}
_PLACE: Final = {
    "oss": "Look at OSS_REGION, oss.endpoint, oss.credentials_uri and the firewall.",
    "s3": "Look at s3.endpoint, s3.region, the credentials' source and the firewall.",
}


def _read_facts(bucket: Bucket) -> BucketFacts:
    key = f"tusd-doctor-{secrets.token_hex(8)}"
    failed: dict[str, BucketError] = {}
    with TemporaryDirectory(prefix="tusd-doctor-") as folder:
        body = Path(folder) / "body"
        body.write_bytes(CONTENT)

        def tried(right: str, work: Callable[[], object]) -> bool:
            try:
                work()
            except BucketError as error:
                failed[right] = error
            return right not in failed

        put = tried("put", lambda: _put(bucket, key, body))
        link = _linked(bucket, key) if put and tried("get", lambda: _read(bucket, key)) else ""
        linked = _status(link), _status(link.partition("?")[0])
        if tried("multipart", lambda: _multipart(bucket, key, body)):
            tried("list uploads", lambda: list(bucket.list_uploads(key)))
        tried("list", lambda: list(bucket.list_keys(key)))
        tried("delete", lambda: bucket.delete(key))
    return BucketFacts(
        failed=failed, link_status=linked[0], open_status=linked[1], address=bucket.address
    )


def _put(bucket: Bucket, key: str, file: Path) -> None:
    with PartReader(file, Span(1, 0, len(CONTENT))) as body:
        bucket.put(key, body, "text/plain")


def _read(bucket: Bucket, key: str) -> None:
    for _ in bucket.read(key, 0, len(CONTENT)):
        pass


def _linked(bucket: Bucket, key: str) -> str:
    return bucket.link(key, disposition="attachment", seconds=LINK_SECONDS)


def _multipart(bucket: Bucket, key: str, file: Path) -> None:
    upload_id = bucket.create_upload(key, "text/plain")
    try:
        with PartReader(file, Span(1, 0, len(CONTENT))) as body:
            bucket.put_part(key, upload_id, 1, body)
        bucket.list_parts(key, upload_id)
    finally:
        bucket.abort(key, upload_id)


def _status(url: str) -> int | None:
    if not url:
        return None
    try:
        # The status is in the head; a body may be of any length.
        with httpx.stream("GET", url, timeout=ANSWER_SECONDS) as response:
            return response.status_code
    except httpx.HTTPError:
        return None


def judge_objects(store: str, facts: BucketFacts, *, redirects: bool) -> list[Finding]:
    """Return the findings. Args: redirects: downloads use signed links."""
    findings = [ok("objects.reachable", f"The bucket is at {facts.address}.")]
    if facts.failed:
        rights = ", ".join(facts.failed)
        findings.append(
            problem(
                "objects.rights",
                f"These do not work: {rights}.",
                "Allow the key to get, put, delete and list objects, and to list and abort "
                "multipart uploads.",
            )
        )
    else:
        findings.append(ok("objects.rights", "Objects are put, read, listed and deleted."))
    if redirects and "get" not in facts.failed and "put" not in facts.failed:
        findings.append(_judge_link(store, facts.link_status))
    if facts.open_status == 200:
        findings.append(
            warning(
                "objects.private",
                "The bucket's objects can be read by anyone who knows their address.",
                "Make the bucket private; downloads go by signed links.",
            )
        )
    return findings


def _judge_link(store: str, status: int | None) -> Finding:
    check = "objects.links"
    if status == 200:
        return ok(check, "A signed link gives the object.")
    if status is None:
        return note(
            check,
            "The address of signed links can't be reached from here.",
            f"Make sure that clients reach it, set {store}.public_endpoint, or objects.downloads "
            "to stream.",
        )
    return problem(
        check,
        f"A signed link is answered with {status}.",
        f"Look at {store}.public_endpoint and at this machine's clock.",
    )
