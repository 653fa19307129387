"""Sending one file by tus 1.0, going on after every break."""

import base64
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

import httpx

from tusd_py.client.proof import nonce_of, proof
from tusd_py.client.remembered import Begun, Remembered

PIECE_BYTES: Final = 1 << 20
FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0
_TUS: Final = {"Tus-Resumable": "1.0.0"}
_PASSING: Final = (409, 423)

Progress = Callable[[int], None]
"""Told the offset in bytes, as far as it is known or sent."""


class Refused(Exception):
    """Raised when the server says no, for good; the text is its sentence."""


class Unreachable(Exception):
    """Raised when the server could not be reached, or made no progress, time after time."""


class _Broken(Exception):
    """Something that may pass: look where we are, then go on."""


class _Stale(Exception):
    """The upload's own token is not taken any longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file that has arrived. ``task_id`` is the last part of its address."""

    url: str
    token: str | None = None
    """Opens this upload and its task, where the server gives such tokens."""
    resumed_at: int
    """Bytes that were there before, 0 for a fresh upload."""
    instant: bool = False
    """The server held the content: nothing had to be sent."""

    @property
    def task_id(self) -> str:
        """By which its processing is followed."""
        return self.url.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A new upload: where it is, how far, whether it was born complete, and what may be proven."""

    begun: Begun
    offset: int
    instant: bool
    nonce: bytes | None


class Uploader:
    """Sends files to one endpoint, one after the other."""

    def __init__(
        self,
        client: httpx.Client,
        endpoint: str,
        remembered: Remembered,
        *,
        retries: int = 12,
        chunk_bytes: int | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._endpoint = endpoint
        self._remembered = remembered
        self._retries = retries
        self._chunk_bytes = chunk_bytes
        self._sleep = sleep

    def send(self, file: Path, metadata: Mapping[str, str], progress: Progress) -> Sent:
        """Send the file, from where an earlier run stopped if there was one.

        With ``filehash`` in the metadata (``blake3:`` and 64 hexadecimal digits) nothing is sent of
        what the server holds for its owner already.

        Raises: Refused, Unreachable, OSError.
        """
        size = file.stat().st_size
        failures = 0
        begun, offset, resumed_at = self._remembered.get(file, self._endpoint), None, -1
        instant = False
        while True:
            before = offset
            try:
                if begun is None:
                    made = self._create(size, metadata)
                    begun, offset, instant = made.begun, made.offset, made.instant
                    self._remembered.put(file, self._endpoint, begun)
                    if made.nonce is not None:
                        offset = self._prove(begun, file, size, made.nonce)
                        instant = offset == size
                if offset is None:
                    offset = self._offset(begun)
                    if offset is None:
                        begun = None
                        continue
                resumed_at = offset if resumed_at < 0 else resumed_at
                progress(offset)
                if offset >= size:
                    break
                offset = self._append(begun, file, offset, size, progress)
            except _Stale:
                # The user's own token goes on, if that is still good.
                begun, offset = Begun(begun.url) if begun else None, None
            except (_Broken, httpx.TransportError) as error:
                failures = 0 if offset is not None and offset != before else failures + 1
                if failures > self._retries:
                    raise Unreachable(str(error) or type(error).__name__) from error
                self._sleep(min(FIRST_PAUSE_SECONDS * 2**failures, LONGEST_PAUSE_SECONDS))
                offset = None
        self._remembered.forget(file, self._endpoint)
        return Sent(
            url=begun.url, token=begun.token, resumed_at=max(resumed_at, 0), instant=instant
        )

    def knows(self, file: Path) -> bool:
        """Whether an earlier run began to send the file. Raises: OSError."""
        return self._remembered.get(file, self._endpoint) is not None

    def _create(self, size: int, metadata: Mapping[str, str]) -> _Made:
        pairs = (
            f"{key} {base64.b64encode(value.encode()).decode()}" if value else key
            for key, value in metadata.items()
        )
        headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": ",".join(pairs)}
        if "filehash" in metadata:
            headers["Upload-Instant"] = "challenge"
        response = self._client.post(self._endpoint, headers=headers)
        self._judge(response, 201)
        url = urljoin(self._endpoint, response.headers["Location"])
        return _Made(
            begun=Begun(url, response.headers.get("Upload-Token")),
            offset=int(response.headers.get("Upload-Offset", "0")),
            instant=response.headers.get("Upload-Instant") == "1",
            nonce=nonce_of(response.headers.get("Upload-Challenge")),
        )

    def _prove(self, begun: Begun, file: Path, size: int, nonce: bytes) -> int:
        """Show that we have the whole file: somebody else may have sent it. Returns: the offset."""
        headers = {
            **_headers(begun),
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
            "Upload-Proof": proof(file, size, nonce),
        }
        response = self._client.patch(begun.url, headers=headers)
        self._judge(response, 204)
        return int(response.headers["Upload-Offset"])

    def _offset(self, begun: Begun) -> int | None:
        """Where the server is; None when it does not know the upload any longer."""
        response = self._client.head(begun.url, headers=_headers(begun))
        if response.status_code == 401 and begun.token is not None:
            raise _Stale
        if response.status_code in (403, 404, 410):
            return None
        self._judge(response, 200, 204)
        return int(response.headers["Upload-Offset"])

    def _append(self, begun: Begun, file: Path, offset: int, size: int, progress: Progress) -> int:
        length = min(size - offset, self._chunk_bytes or size)
        headers = {
            **_headers(begun),
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(length),
        }
        body = _pieces(file, offset, length, progress)
        response = self._client.patch(begun.url, headers=headers, content=body)
        if response.status_code == 401 and begun.token is not None:
            raise _Stale
        self._judge(response, 204)
        return int(response.headers["Upload-Offset"])

    @staticmethod
    def _judge(response: httpx.Response, *expected: int) -> None:
        status = response.status_code
        if status in expected:
            return
        if status in _PASSING or status >= 500:
            raise _Broken(f"the server answered {status}")
        try:
            sentence = response.json()["detail"]
        except (ValueError, KeyError, TypeError):
            sentence = f"the server answered {status}"
        raise Refused(str(sentence))


def _headers(begun: Begun) -> dict[str, str]:
    return {**_TUS, **({"Upload-Token": begun.token} if begun.token else {})}


def _pieces(file: Path, offset: int, length: int, progress: Progress) -> Iterator[bytes]:
    with file.open("rb", buffering=0) as source:
        source.seek(offset)
        while length > 0:
            piece = source.read(min(PIECE_BYTES, length))
            if not piece:
                raise Refused("the file became shorter while it was sent")
            yield piece
            length -= len(piece)
            offset += len(piece)
            progress(offset)
