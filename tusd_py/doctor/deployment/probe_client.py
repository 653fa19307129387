"""Requests to a deployment, and the uploads they leave there until the end.

Rule 1: an upload's address is the endpoint's and the last part of Location: what is wrong with the
rest is one finding, not all. Rule 2: what was created is terminated, whatever happened. Rule 3: a
forward proxy of this machine (HTTP_PROXY) is not used.
"""

import http.client
import secrets
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import httpx

from tusd_py.bounded_http import IDENTITY
from tusd_py.client.file_upload import BODY, TUS, Response, byte_count, metadata_header
from tusd_py.client.headers import MAX_ANSWER_BYTES, read_answer
from tusd_py.clock import Clock
from tusd_py.doctor.findings import CheckSkipped
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object

ANSWER_SECONDS: Final = 10.0
DEFAULT_ORIGIN: Final = "https://example.org"


class TypeNotAllowed(CheckSkipped):
    """Raised when the server takes only certain types of files, and ours is none of them."""


class Unreachable(Exception):
    """Raised when nothing answers at the address; the text says why in a word or two."""


@dataclass(frozen=True, slots=True)
class ProbeResponse(Response):
    """A response, whose ``headers`` have names in lower case."""

    @property
    def code(self) -> str:
        """Of a refusal by tusd-py itself; '' when it came from somebody else, or is none."""
        if "json" not in self.headers.get("content-type", ""):
            return ""
        try:
            return str(read_json_object(self.content).get("code", ""))
        except NotAJsonObject:
            return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedUpload:
    """An upload of ours: its address, and the answer to its creation."""

    url: str
    answer: ProbeResponse


class ProbeClient:
    """One look at one endpoint; used by several threads."""

    def __init__(self, url: str, *, origin: str | None, token: str | None, clock: Clock) -> None:
        """Raises: ValueError: no address of a tus endpoint."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
            raise ValueError("not an address")
        self.url = url if url.endswith("/") else f"{url}/"
        self.origin = origin or DEFAULT_ORIGIN
        self.origin_given = origin is not None
        self.clock = clock
        self.overridden: frozenset[str] = frozenset()
        """Methods that something before the server refuses: sent as POST with an override."""
        self.tls = httpx.create_ssl_context() if parts.scheme == "https" else None
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.client = httpx.Client(
            headers={**self.headers, "User-Agent": "tusd-py doctor"},
            timeout=ANSWER_SECONDS,
            verify=self.tls or False,
            trust_env=False,
        )
        self._mutex = threading.Lock()
        self._made: list[str] = []

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        follow: bool = False,
    ) -> ProbeResponse:
        """One request and its answer; redirects are followed with ``follow``, to another origin
        without the token. Raises: httpx.TransportError."""
        method, override = self._method(method)
        sent = {**IDENTITY, **TUS, **override, **(headers or {})}
        with self.client.stream(
            method, url, headers=sent, content=body, follow_redirects=follow
        ) as response:
            return ProbeResponse(
                status=response.status_code,
                headers=dict(response.headers),
                content=read_answer(response).content,
            )

    def _method(self, method: str) -> tuple[str, Mapping[str, str]]:
        if method in self.overridden:
            return "POST", {"X-HTTP-Method-Override": method}
        return method, {}

    def create(self, length: int, headers: Mapping[str, str] | None = None) -> CreatedUpload:
        """An upload of ``length`` bytes, none of them sent. Raises: CheckSkipped: it was refused;
        httpx.TransportError."""
        answer = self.request(
            "POST",
            self.url,
            {"Upload-Length": str(length), "Upload-Metadata": metadata(), **(headers or {})},
        )
        name = urlsplit(answer.headers.get("location", "")).path.rstrip("/").rpartition("/")[2]
        if answer.code == "type_not_allowed":
            raise TypeNotAllowed(
                "The server takes only certain types of files, so nothing was tried.",
                "Add bin to whitelist.extensions for as long as the doctor looks.",
            )
        if answer.status != 201 or not name:
            raise CheckSkipped(
                f"No upload could be created here (status {answer.status}"
                f"{f', {answer.code}' if answer.code else ''}), so nothing was tried.",
                "Give --token if the server wants one; let POST and Location pass; see its log.",
            )
        url = f"{self.url}{name}"
        with self._mutex:
            self._made.append(url)
        return CreatedUpload(url=url, answer=answer)

    def append(self, url: str, offset: int, body: bytes) -> ProbeResponse:
        """A whole PATCH. Raises: httpx.TransportError."""
        return self.request("PATCH", url, {**BODY, "Upload-Offset": str(offset)}, body)

    def offset(self, url: str) -> int:
        """How much has arrived, in bytes. Raises: CheckSkipped: it is not told."""
        answer = self.request("HEAD", url)
        offset = byte_count(answer.headers.get("upload-offset", ""))
        if offset is None:
            raise CheckSkipped(
                f"HEAD (status {answer.status}) tells no Upload-Offset, so this can't be seen.",
                "See the finding about headers.",
            )
        return offset

    def begin_append(self, url: str, offset: int, length: int) -> http.client.HTTPConnection:
        """The head of a PATCH that announces ``length`` bytes, on a connection of its own.

        Raises: OSError, http.client.HTTPException.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        if self.tls is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, parts.port, timeout=ANSWER_SECONDS, context=self.tls
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=ANSWER_SECONDS)
        method, override = self._method("PATCH")
        sent = {**self.headers, **TUS, **override, **BODY, "Upload-Offset": str(offset)}
        try:
            connection.putrequest(method, parts.path, skip_accept_encoding=True)
            for name, value in {**sent, "Content-Length": str(length)}.items():
                connection.putheader(name, value)
            connection.endheaders()
        except BaseException:
            connection.close()
            raise
        return connection

    def clean_up(self) -> int:
        """Terminate what was created; how many uploads could not be."""
        with self._mutex:
            made, self._made = self._made, []
        left = 0
        for url in made:
            try:
                left += self.request("DELETE", url).status not in (204, 404, 410)
            except httpx.TransportError:
                left += 1
        return left

    def close(self) -> None:
        """Leave, and close all connections."""
        with suppress(httpx.HTTPError):
            self.clean_up()
        self.client.close()


def read_response(connection: http.client.HTTPConnection, seconds: float) -> ProbeResponse | None:
    """The answer that comes within ``seconds``; None: none does, and the request goes on.

    Raises: OSError, http.client.HTTPException: the connection was cut.
    """
    if connection.sock is None:
        raise ConnectionError("closed")
    connection.sock.settimeout(seconds)
    try:
        response = connection.getresponse()
        return ProbeResponse(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            content=response.read(MAX_ANSWER_BYTES),
        )
    except TimeoutError:
        return None


def metadata() -> str:
    """Return an Upload-Metadata whose file name shows that the doctor made the upload."""
    return metadata_header({"filename": f"tusd-doctor-{secrets.token_hex(8)}.bin"})


def is_certificate_error(error: httpx.TransportError) -> bool:
    """Whether the server was reached, and its certificate is not trusted."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
