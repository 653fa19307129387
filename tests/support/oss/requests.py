"""A client's request to OSS as a value: bucket, key, parameters, headers.

The style is path style (``/bucket/key``) when the host is an address or ``localhost``; otherwise
the bucket is the first label of the host, as at Alibaba's own endpoints.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote


class OssError(Exception):
    """A refusal: HTTP status, OSS's code, a sentence."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(f"{status} {code} {message}")
        self.status = status
        self.code = code
        self.message = message or code


@dataclass(frozen=True)
class OssRequest:
    """One request without its body.

    Names of headers are in lower case; ``bucket`` and ``key`` are empty when the request names
    none.
    """

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Mapping[str, str]

    @property
    def part_number(self) -> int | None:
        """Return the part that the request is about."""
        text = self.query.get("partNumber", "")
        return int(text) if text.isdecimal() else None

    def number(self, name: str, default: int, low: int, high: int) -> int:
        """Return a numeric parameter.

        Raises: OssError: InvalidArgument when it is no number or out of its range.
        """
        text = self.query.get(name) or str(default)
        if not (text.isdecimal() and low <= int(text) <= high):
            raise OssError(400, "InvalidArgument", f"{name} is not within {low} and {high}")
        return int(text)


def parse_request(method: str, target: str, headers: Mapping[str, str]) -> OssRequest:
    """Read a request line and headers.

    Raises: OssError: 400 when they cannot be read.
    """
    path, _, query_text = target.partition("?")
    try:
        path = unquote(path, errors="strict").removeprefix("/")
        pairs = parse_qsl(query_text, keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise OssError(400, "InvalidURI", "not UTF-8") from error
    query = dict(pairs)
    if len(query) != len(pairs):
        raise OssError(400, "InvalidArgument", "a parameter is given twice")
    bucket = _bucket_of_host(headers.get("host", ""))
    if bucket:
        return OssRequest(method, bucket, _checked_key(path), query, headers)
    bucket, _, key = path.partition("/")
    return OssRequest(method, bucket, _checked_key(key), query, headers)


def _checked_key(key: str) -> str:
    if key.startswith(("/", "\\")) or len(key.encode()) > 1023:
        raise OssError(400, "InvalidObjectName")
    return key


def _bucket_of_host(host: str) -> str:
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return name.partition(".")[0] if "." in name else ""
    return ""
