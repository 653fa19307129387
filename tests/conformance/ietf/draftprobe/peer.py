"""The server under test, known only by its creation URL."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from urllib.parse import urljoin

from tusprobe import RawConnection, require
from tusprobe.raw import ConnectionClosed, Headers, RawResponse

READABLE = b"readable?"
WITH_CONTENT = ("POST", "PUT", "PATCH")
Result = TypeVar("Result")


class Peer:
    """Sends requests as given: a connection for each, without repeating or repairing one."""

    def __init__(
        self, url: str, fields: Mapping[str, str], timeout: float, *, behind_proxy: bool
    ) -> None:
        self.url = url
        self.fields = list(fields.items())
        self.timeout = timeout
        self.behind_proxy = behind_proxy
        self._serves: bool | None = None
        self._discovery: RawResponse | None = None

    @property
    def discovery(self) -> RawResponse:
        """Return the answer to one OPTIONS request without any field of the draft."""
        if self._discovery is None:
            self._discovery = self.request("OPTIONS", self.url)
        return self._discovery

    def needs_tus(self) -> None:
        versions = self.discovery.get("Tus-Version")
        require(versions is not None, "the server does not announce tus")

    def passes_interim(self) -> None:
        require(not self.behind_proxy, "the proxy does not pass 104")

    def connect(self) -> RawConnection:
        return RawConnection(self.url, self.timeout)

    def request(
        self,
        method: str,
        url: str,
        fields: Headers | None = None,
        content: bytes = b"",
        *,
        chunked: bool = False,
        http_version: str = "1.1",
    ) -> RawResponse:
        """Send one request; a server may answer, and close, before it has read the content."""
        with self.connect() as connection:
            return self.exchange(
                connection,
                method,
                url,
                fields,
                content,
                chunked=chunked,
                http_version=http_version,
            )

    def exchange(
        self,
        connection: RawConnection,
        method: str,
        url: str,
        fields: Headers | None = None,
        content: bytes = b"",
        *,
        chunked: bool = False,
        http_version: str = "1.1",
    ) -> RawResponse:
        """Send one request on a connection and return its answer."""
        self.send_head(
            connection,
            method,
            url,
            fields,
            None if chunked else len(content),
            http_version=http_version,
        )
        # The answer of a server that refused the request at once is still to be read.
        with contextlib.suppress(ConnectionError):
            if chunked:
                if content:
                    connection.send_chunk(content)
                connection.end_chunks()
            elif content:
                connection.send(content)
        try:
            return connection.read_response(method)
        except ConnectionClosed as error:
            raise AssertionError(f"{method} {url}: no answer: {error}") from error

    def send_head(
        self,
        connection: RawConnection,
        method: str,
        url: str,
        fields: Headers | None,
        length: int | None,
        *,
        http_version: str = "1.1",
    ) -> None:
        """Send the head of a request whose content has that length; None: it is chunked."""
        framing: Headers = []
        if length is None:
            framing = [("Transfer-Encoding", "chunked")]
        elif method in WITH_CONTENT:
            framing = [("Content-Length", str(length))]
        head = [*self.fields, *(fields or []), *framing]
        connection.send_head(method, url, head, http_version)

    def resolve(self, location: str) -> str:
        """Return the URL of a Location, which may be relative."""
        return urljoin(self.url, location)

    @property
    def serves_content(self) -> bool:
        """Return whether GET gives the bytes of a complete upload, which the draft leaves open."""
        if self._serves is None:
            made = self.request("POST", self.url, [("Upload-Complete", "?1")], READABLE)
            if made.get("Location") is None:
                named = [("Upload-Complete", "?1"), ("Upload-Draft-Interop-Version", "6")]
                made = self.request("POST", self.url, named, READABLE)
            location = made.get("Location")
            found = location and self.request("GET", self.resolve(location))
            self._serves = bool(found) and found.status == 200 and found.body == READABLE
        return self._serves


def at_once(calls: Iterable[Callable[[], Result]]) -> list[Result]:
    """Call all at the same time, each in a thread; return their results in order."""
    waiting = list(calls)
    with ThreadPoolExecutor(len(waiting)) as threads:
        return list(threads.map(lambda call: call(), waiting))
