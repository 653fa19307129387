"""Check signatures of requests and of links, versions 1 and 4, as OSS does.

Rule 1: there are only values, no I/O and no clock. Rule 2: codes and statuses are those of
Alibaba's list of errors (a wrong region is 400 InvalidArgument, a forgotten STS token is 403
InvalidAccessKeyId). Header values are what ``http.server`` made of the bytes: latin-1.
"""

import base64
import hashlib
import hmac
from calendar import timegm
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from time import strptime
from typing import Final
from urllib.parse import quote

from support.oss.operations import RESPONSE_PARAMETERS
from support.oss.requests import OssError, OssRequest

_V4: Final = "OSS4-HMAC-SHA256"
_V4_SCOPE_END: Final = "aliyun_v4_request"
_V4_MAX_EXPIRES: Final = 7 * 86400
_V1_SIGNED_PARAMETERS: Final = frozenset(
    {
        *RESPONSE_PARAMETERS, "uploads", "uploadId", "partNumber", "bucketInfo", "objectMeta",
        "security-token", "continuation-token",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Access:
    """Who may sign. ``tokens`` has the STS token that each temporary access key must bring."""

    keys: Mapping[str, str]
    tokens: Mapping[str, str] = field(default_factory=dict)
    region: str = "cn-hangzhou"
    skew_seconds: float = 900.0

    def secret(self, access_key: str, token: str | None) -> str:
        """Return the secret of a key that is used with the right token."""
        known = access_key in self.keys and (access_key in self.tokens) == (token is not None)
        if not known:
            raise OssError(
                403,
                "InvalidAccessKeyId",
                "The OSS Access Key Id you provided does not exist in our records.",
            )
        if self.tokens.get(access_key) != token:
            raise OssError(403, "InvalidSecurityToken", "The security token is invalid.")
        return self.keys[access_key]


def check_signature(request: OssRequest, access: Access, now: float) -> None:
    """Return if the request is authorized.

    Args: now: Unix seconds.
    Raises: OssError: 400 for a malformed signature, 403 for a wrong, late or missing one.
    """
    authorization = request.headers.get("authorization", "")
    try:
        if authorization.startswith(f"{_V4} "):
            _check_v4(request, access, _v4_of_header(request, authorization, access, now))
        elif authorization.startswith("OSS "):
            _check_v1_header(request, access, now)
        elif authorization:
            raise OssError(400, "InvalidArgument", "Authorization")
        elif "x-oss-signature-version" in request.query:
            _check_v4(request, access, _v4_of_link(request, access, now))
        elif "Signature" in request.query:
            _check_v1_link(request, access, now)
        else:
            raise OssError(403, "AccessDenied", "Anonymous access is forbidden.")
    except (KeyError, ValueError, TypeError) as error:
        raise OssError(400, "InvalidArgument", "the signature is malformed") from error


# Version 1


def _check_v1_header(request: OssRequest, access: Access, now: float) -> None:
    access_key, _, signature = request.headers["authorization"].removeprefix("OSS ").partition(":")
    date = request.headers.get("x-oss-date") or request.headers["date"]
    secret = access.secret(access_key, request.headers.get("x-oss-security-token"))
    _refuse_skewed(parsedate_to_datetime(date).timestamp(), access, now)
    _compare_v1(request, secret, date, signature)


def _check_v1_link(request: OssRequest, access: Access, now: float) -> None:
    expires = request.query["Expires"]
    secret = access.secret(request.query["OSSAccessKeyId"], request.query.get("security-token"))
    if int(expires) < now:
        raise OssError(403, "AccessDenied", "Request has expired.")
    _compare_v1(request, secret, expires, request.query["Signature"])


def _compare_v1(request: OssRequest, secret: str, date: str, signature: str) -> None:
    headers = "".join(
        f"{name}:{value}\n"
        for name, value in sorted(request.headers.items())
        if name.startswith("x-oss-")
    )
    signed = sorted(item for item in request.query.items() if item[0] in _V1_SIGNED_PARAMETERS)
    resource = f"/{request.bucket}/{request.key}" if request.bucket else "/"
    if signed:
        resource += "?" + "&".join(_joined(*item) for item in signed)
    lines = [
        request.method,
        request.headers.get("content-md5", ""),
        request.headers.get("content-type", ""),
        date,
        headers,
    ]
    text = "\n".join(lines).encode("latin-1") + resource.encode()
    wanted = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha1).digest())
    _compare(wanted, signature.encode())


# Version 4


@dataclass(frozen=True)
class _V4Claim:
    credential: str
    date: str
    signature: str
    additional: str
    token: str | None
    query: Mapping[str, str]


def _v4_of_header(request: OssRequest, authorization: str, access: Access, now: float) -> _V4Claim:
    fields = dict(item.strip().split("=", 1) for item in authorization.removeprefix(_V4).split(","))
    if request.headers["x-oss-content-sha256"] != "UNSIGNED-PAYLOAD":
        raise OssError(400, "InvalidArgument", "x-oss-content-sha256")
    date = request.headers["x-oss-date"]
    _refuse_skewed(_v4_time(date), access, now)
    return _V4Claim(
        fields["Credential"],
        date,
        fields["Signature"],
        fields.get("AdditionalHeaders", ""),
        request.headers.get("x-oss-security-token"),
        request.query,
    )


def _v4_of_link(request: OssRequest, access: Access, now: float) -> _V4Claim:
    query = dict(request.query)
    signature = query.pop("x-oss-signature")
    expires = int(query["x-oss-expires"])
    if query["x-oss-signature-version"] != _V4 or not 1 <= expires <= _V4_MAX_EXPIRES:
        raise OssError(400, "InvalidArgument", "x-oss-signature-version or x-oss-expires")
    signed_at = _v4_time(query["x-oss-date"])
    if signed_at + expires < now:
        raise OssError(403, "AccessDenied", "Request has expired.")
    if signed_at > now + access.skew_seconds:
        raise OssError(403, "RequestTimeTooSkewed")
    return _V4Claim(
        query["x-oss-credential"],
        query["x-oss-date"],
        signature,
        query.get("x-oss-additional-headers", ""),
        query.get("x-oss-security-token"),
        query,
    )


def _check_v4(request: OssRequest, access: Access, claim: _V4Claim) -> None:
    access_key, day, region, product, end = claim.credential.split("/")
    secret = access.secret(access_key, claim.token)
    if region != access.region:
        raise OssError(400, "InvalidArgument", "Invalid signing region in Authorization header.")
    if (product, end) != ("oss", _V4_SCOPE_END) or day != claim.date[:8]:
        raise OssError(400, "InvalidArgument", "Invalid scope in Authorization header.")
    canonical = hashlib.sha256(_v4_canonical_request(request, claim)).hexdigest()
    text = f"{_V4}\n{claim.date}\n{day}/{region}/{product}/{end}\n{canonical}"
    key = f"aliyun_v4{secret}".encode()
    for step in (day, region, product, end):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    _compare(
        hmac.new(key, text.encode(), hashlib.sha256).hexdigest().encode(), claim.signature.encode()
    )


def _v4_canonical_request(request: OssRequest, claim: _V4Claim) -> bytes:
    additional = sorted(name for name in claim.additional.split(";") if name)
    signed = {"content-type", "content-md5", *additional}
    headers = "".join(
        f"{name}:{value}\n"
        for name, value in sorted(request.headers.items())
        if name.startswith("x-oss-") or name in signed
    )
    query = sorted((quote(name, ""), quote(value, "")) for name, value in claim.query.items())
    lines = [
        request.method,
        quote(f"/{request.bucket}/{request.key}" if request.bucket else "/"),
        "&".join(_joined(*item) for item in query),
        headers,
        ";".join(additional),
        "UNSIGNED-PAYLOAD",
    ]
    return "\n".join(lines).encode("latin-1")


def _v4_time(text: str) -> float:
    return timegm(strptime(text, "%Y%m%dT%H%M%SZ"))


def _joined(name: str, value: str) -> str:
    return f"{name}={value}" if value else name


def _refuse_skewed(signed_at: float, access: Access, now: float) -> None:
    if abs(signed_at - now) > access.skew_seconds:
        raise OssError(403, "RequestTimeTooSkewed")


def _compare(wanted: bytes, given: bytes) -> None:
    if not hmac.compare_digest(wanted, given):
        raise OssError(403, "SignatureDoesNotMatch")
