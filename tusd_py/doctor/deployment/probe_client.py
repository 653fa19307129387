"""Send requests to a deployment, and remove the uploads that they create.

Whole requests are built and sent by ``tusd_py.client``, each once. Only what that client never does
is done here: to send the head of a body that does not follow at once (``begin_append``).

Rule 1: the address of an upload is the endpoint with the last part of Location, so that an error in
the rest is one finding only. Rule 2: what was created is terminated in any case. Rule 3: a forward
proxy of this machine (HTTP_PROXY) is not used.
"""

import http.client
import secrets
import ssl
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlsplit

import httpx

from tusd_py.bounded_http import IDENTITY
from tusd_py.client.messages import Request, Response, byte_count
from tusd_py.client.origin import checked_access
from tusd_py.client.responses import MAX_ANSWER_BYTES
from tusd_py.client.sending import send_request
from tusd_py.client.tus_requests import TUS, append_request, creation, offset_request, termination
from tusd_py.clock import Clock
from tusd_py.doctor.deployment.proxies import Proxy
from tusd_py.doctor.findings import CheckSkipped
from tusd_py.domain.untrusted_json import NotAJsonObject, read_json_object

ANSWER_SECONDS: Final = 10.0
OVERRIDE: Final = "X-HTTP-Method-Override"
DEFAULT_ORIGIN: Final = "https://example.org"


class TypeNotAllowed(CheckSkipped):
    """Raised when the server accepts only certain types of files, and not ours."""


class Unreachable(Exception):
    """Raised when nothing answers at the address; the text is the reason in a few words."""


@dataclass(frozen=True, slots=True)
class ProbeResponse(Response):
    """A response, whose ``headers`` have names in lower case."""

    @property
    def code(self) -> str:
        """Return the code of a refusal by tusd-py; '' if it is of another program, or is none."""
        if "json" not in self.headers.get("content-type", ""):
            return ""
        try:
            return str(read_json_object(self.content).get("code", ""))
        except NotAJsonObject:
            return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedUpload:
    """An upload of the doctor: its address, and the answer to its creation."""

    url: str
    answer: ProbeResponse


class ProbeClient:
    """Sends the requests of all checks to one endpoint; several threads use it."""

    def __init__(
        self,
        url: str,
        *,
        origin: str | None,
        token: str | None,
        clock: Clock,
        make_tls: Callable[[], ssl.SSLContext] = httpx.create_ssl_context,
    ) -> None:
        """Check the address.

        Args: make_tls: makes a context of TLS, which decides what certificates are trusted.
        Raises: as ``checked_access``.
        """
        self.url, self.headers = checked_access(url, token)
        self.origin = origin or DEFAULT_ORIGIN
        self.origin_given = origin is not None
        self.clock = clock
        self.overridden: frozenset[str] = frozenset()
        """Methods that something before the server refuses; they are sent as POST with an override.
        """
        self.proxy = Proxy.UNKNOWN
        """The proxy that the first answer shows."""
        self.make_tls = make_tls
        self.tls = make_tls() if self.url.startswith("https:") else None
        self.client = httpx.Client(
            headers={**IDENTITY, **self.headers, "User-Agent": "tusd-py doctor"},
            timeout=ANSWER_SECONDS,
            verify=self.tls or False,
            trust_env=False,
        )
        self._mutex = threading.Lock()
        self._made: list[str] = []

    def send(self, request: Request, *, follow: bool = False) -> ProbeResponse:
        """Send a request and return the answer.

        With ``follow``, redirects are followed, to another origin without the token.
        Raises: httpx.TransportError.
        """
        answer = send_request(self.client, self._passing(request), follow=follow)
        return ProbeResponse(answer.status, dict(answer.headers), answer.content)

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        *,
        follow: bool = False,
    ) -> ProbeResponse:
        """Send a request without a body, as ``send`` does."""
        sent = Request(method=method, url=url, headers={**TUS, **(headers or {})})
        return self.send(sent, follow=follow)

    def _passing(self, request: Request) -> Request:
        return overriding(request) if request.method in self.overridden else request

    def create(self, length: int, headers: Mapping[str, str] | None = None) -> CreatedUpload:
        """Create an upload of ``length`` bytes and send none of them.

        Raises: CheckSkipped: the server refused it; httpx.TransportError.
        """
        answer = self.send(creation(self.url, length, metadata(), headers or {}))
        url = self.remember(answer.headers.get("location", ""))
        if answer.code == "type_not_allowed":
            raise TypeNotAllowed(
                "The server takes only certain types of files, so nothing was tried.",
                "Add bin to whitelist.extensions for as long as the doctor looks.",
            )
        if answer.status != 201 or url is None:
            raise CheckSkipped(
                f"No upload could be created here (status {answer.status}"
                f"{f', {answer.code}' if answer.code else ''}), so nothing was tried.",
                "Give --token if the server wants one; let POST and Location pass; see its log.",
            )
        return CreatedUpload(url=url, answer=answer)

    def remember(self, location: str) -> str | None:
        """Return the address of a new upload, which is terminated at the end; None if it has none.

        Idempotent.
        """
        name = urlsplit(location).path.rstrip("/").rpartition("/")[2]
        if not name:
            return None
        url = f"{self.url}{name}"
        with self._mutex:
            if url not in self._made:
                self._made.append(url)
        return url

    def append(self, url: str, offset: int, body: bytes) -> ProbeResponse:
        """Send a whole PATCH. Raises: httpx.TransportError."""
        return self.send(append_request(url, offset, body))

    def offset(self, url: str) -> int:
        """Return the offset in bytes. Raises: CheckSkipped: the server does not state it."""
        answer = self.send(offset_request(url))
        offset = byte_count(answer.headers.get("upload-offset", ""))
        if offset is None:
            raise CheckSkipped(
                f"HEAD (status {answer.status}) has no Upload-Offset, so this can't be checked.",
                "See the finding about headers.",
            )
        return offset

    def begin_append(self, url: str, offset: int, length: int) -> http.client.HTTPConnection:
        """Send the head of a PATCH that announces ``length`` bytes, as ``begin`` does."""
        return self.begin(append_request(url, offset, b""), length)

    def begin(self, request: Request, length: int) -> http.client.HTTPConnection:
        """Send the head of a request that announces ``length`` bytes, on a new connection.

        Raises: OSError, http.client.HTTPException.
        """
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        if self.tls is not None:
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, parts.port, timeout=ANSWER_SECONDS, context=self.tls
            )
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=ANSWER_SECONDS)
        request = self._passing(request)
        sent = {**self.headers, **request.headers, "Content-Length": str(length)}
        try:
            connection.putrequest(request.method, parts.path, skip_accept_encoding=True)
            for name, value in sent.items():
                connection.putheader(name, value)
            connection.endheaders()
        except BaseException:
            connection.close()
            raise
        return connection

    def clean_up(self) -> int:
        """Terminate what was created; return the number of uploads for which this failed."""
        with self._mutex:
            made, self._made = self._made, []
        left = 0
        for url in made:
            try:
                left += self.send(termination(url)).status not in (204, 404, 410)
            except httpx.TransportError:
                left += 1
        return left

    def close(self) -> None:
        """Terminate what was created, and close all connections."""
        with suppress(httpx.HTTPError):
            self.clean_up()
        self.client.close()


def overriding(request: Request) -> Request:
    """Return the same request as a POST that overrides its method."""
    headers = {**request.headers, OVERRIDE: request.method}
    return replace(request, method="POST", headers=headers)


def read_response(connection: http.client.HTTPConnection, seconds: float) -> ProbeResponse | None:
    """Return the answer; None if there is none within ``seconds``, and the request continues.

    Raises: OSError, http.client.HTTPException: the connection was cut.
    """
    if connection.sock is None:
        raise ConnectionError("closed")
    connection.sock.settimeout(seconds)
    try:
        return probe_response(connection.getresponse())
    except TimeoutError:
        return None


def probe_response(response: http.client.HTTPResponse) -> ProbeResponse:
    """Return a response whose head was read, with at most ``MAX_ANSWER_BYTES`` of its content.

    Raises: OSError, http.client.HTTPException: the connection was cut.
    """
    return ProbeResponse(
        status=response.status,
        headers={name.lower(): value for name, value in response.getheaders()},
        content=response.read(MAX_ANSWER_BYTES),
    )


def metadata() -> dict[str, str]:
    """Return metadata whose file name shows that the doctor made the upload."""
    return {"filename": f"tusd-doctor-{secrets.token_hex(8)}.bin"}


def is_certificate_error(error: httpx.TransportError) -> bool:
    """Return whether the server was reached, and its certificate is not trusted."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
