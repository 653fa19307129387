"""A client of the draft in the words of one version; it repairs nothing."""

from __future__ import annotations

import contextlib

from tusprobe import GONE, RawConnection, eventually, is_client_error
from tusprobe.raw import ConnectionClosed, Headers, RawResponse

from draftprobe.fields import integer
from draftprobe.peer import Peer
from draftprobe.words import Words

#: Longer than a server needs that sends 100; with one that never does each append costs this time.
INTERIM_S = 3
#: What the draft leaves to a server that waits for the end of a running request.
LOCK_PATIENCE_S = 15
#: After a broken connection there is no other request to wait for.
SETTLE_S = 5
#: Much less than a server needs that looks for the end of a running request now and then.
PROMPT_S = 3


class Draft:
    """The server under test, spoken to in the words of one version."""

    def __init__(self, peer: Peer, words: Words) -> None:
        self.peer = peer
        self.words = words

    def fields(self, *, complete: bool | None = None, length: int | None = None) -> Headers:
        """Return the version, and what the request says of the representation."""
        said = [] if complete is None else self.words.complete(complete)
        sized = [] if length is None else [("Upload-Length", str(length))]
        return [*self.words.identity, *said, *sized]

    def options(self, fields: Headers | None = None) -> RawResponse:
        return self.peer.request("OPTIONS", self.peer.url, [*self.words.identity, *(fields or [])])

    def post(
        self,
        content: bytes = b"",
        fields: Headers | None = None,
        *,
        complete: bool,
        length: int | None = None,
        chunked: bool = False,
        http_version: str = "1.1",
    ) -> RawResponse:
        """Send a creation."""
        head = [*self.fields(complete=complete, length=length), *(fields or [])]
        return self.peer.request(
            "POST", self.peer.url, head, content, chunked=chunked, http_version=http_version
        )

    def create(
        self, length: int | None = None, content: bytes = b"", fields: Headers | None = None
    ) -> Upload:
        """Create an incomplete upload that a check needs as its starting point."""
        return self.upload_of(self.post(content, fields, complete=False, length=length))

    def create_complete(self, content: bytes, fields: Headers | None = None) -> Upload:
        """Create a complete upload, with all of its content in one request."""
        return self.upload_of(self.post(content, fields, complete=True))

    def upload_of(self, response: RawResponse) -> Upload:
        """Return the upload that a creation made; its address may have come with a 104."""
        assert response.status // 100 == 2, f"creation: {response}"
        heads = [*addresses(response.interim), response]
        location = heads[0].get("Location")
        assert location, f"no Location: {response}"
        return Upload(self, self.peer.resolve(location))

    def upload_at(self, head: RawResponse) -> Upload:
        """Return the upload that a 104 announced."""
        location = head.get("Location")
        assert location, f"no Location: {head}"
        return Upload(self, self.peer.resolve(location))

    def begin_post(
        self, announced: int | None, *, complete: bool = True, fields: Headers | None = None
    ) -> RawConnection:
        """Send the head of a creation, and nothing of its content."""
        connection = self.peer.connect()
        head = [*self.fields(complete=complete), *(fields or [])]
        self.peer.send_head(connection, "POST", self.peer.url, head, announced)
        return connection

    def announced_post(self, sent: bytes, announced: int) -> tuple[Upload, RawConnection]:
        """Begin a creation that completes, await its 104, and send the first part of its content."""
        self.peer.passes_interim()
        connection = self.begin_post(announced)
        upload = self.upload_at(next_interim(connection))
        connection.send(sent)
        return upload, connection


class Upload:
    """One upload resource."""

    def __init__(self, draft: Draft, url: str) -> None:
        self.draft = draft
        self.peer = draft.peer
        self.words = draft.words
        self.url = url

    # -- requests ----------------------------------------------------------

    def head(self, fields: Headers | None = None) -> RawResponse:
        return self.peer.request("HEAD", self.url, [*self.words.identity, *(fields or [])])

    def get(self) -> RawResponse:
        """Read the content, without any field of the draft."""
        return self.peer.request("GET", self.url)

    def delete(self, fields: Headers | None = None) -> RawResponse:
        return self.peer.request("DELETE", self.url, [*self.words.identity, *(fields or [])])

    def append_fields(self, offset: int | None, complete: bool | None) -> Headers:
        """Return the fields of an append."""
        kind = self.words.append_type
        return [
            *self.draft.fields(complete=complete),
            *([] if offset is None else [("Upload-Offset", str(offset))]),
            *([] if kind is None else [("Content-Type", kind)]),
        ]

    def patch(
        self,
        content: bytes,
        offset: int,
        fields: Headers | None = None,
        *,
        complete: bool | None,
        chunked: bool = False,
    ) -> RawResponse:
        head = [*self.append_fields(offset, complete), *(fields or [])]
        return self.peer.request("PATCH", self.url, head, content, chunked=chunked)

    def append(self, content: bytes, offset: int, *, complete: bool = False) -> RawResponse:
        """Append what must be accepted, as the starting point of a check."""
        response = self.patch(content, offset, complete=complete)
        assert response.status // 100 == 2, f"append at {offset}: {response}"
        return response

    def begin_patch(
        self, offset: int, announced: int | None, sent: bytes, *, complete: bool = True
    ) -> RawConnection:
        """Begin an append and send a part of its content, leaving the connection open.

        If the server sends 100 (Continue), it processes the request when this returns.
        """
        connection = self.peer.connect()
        head = [*self.append_fields(offset, complete), ("Expect", "100-continue")]
        self.peer.send_head(connection, "PATCH", self.url, head, announced)
        with contextlib.suppress(TimeoutError):
            next_interim(connection, 100, INTERIM_S)
        if announced is not None:
            connection.send(sent)
        elif sent:
            connection.send_chunk(sent)
        return connection

    # -- states ------------------------------------------------------------

    def offset(self) -> int:
        """Return the offset by HEAD; wait for the end of a short lock (423)."""
        seen: list[RawResponse] = []

        def free() -> bool:
            seen.append(self.head())
            return seen[-1].status != 423

        eventually(free, LOCK_PATIENCE_S)
        assert seen[-1].status // 100 == 2, f"head: {seen[-1]}"
        return integer(seen[-1], "Upload-Offset")

    def settled_offset(self, wanted: int) -> int:
        """Return the offset when it is the wanted one, or after a time the last one."""
        seen: list[int] = []

        def reached() -> bool:
            seen.append(self.offset())
            return seen[-1] >= wanted

        eventually(reached, SETTLE_S)
        return seen[-1]

    def is_incomplete(self, offset: int | None = None) -> bool:
        """Return whether the upload goes on, at that offset if one is given."""
        response = self.head()
        assert response.status // 100 == 2, f"head: {response}"
        if offset is not None:
            assert integer(response, "Upload-Offset") == offset, response
        return self._says(response, False)

    def is_complete(self, length: int) -> bool:
        """Return whether the upload is complete; a server need not keep it after that."""
        response = self.head()
        if response.status in GONE:
            return True
        assert response.status // 100 == 2, f"head: {response}"
        assert integer(response, "Upload-Offset") == length, response
        return self._says(response, True)

    def _says(self, response: RawResponse, wanted: bool) -> bool:
        """Return whether HEAD says so; from interop 10 on it need not, and GET knows it too."""
        said = self.words.completeness_of(response)
        if said is None and self.words.version >= 10:
            return not self.peer.serves_content or (self.get().status == 200) is wanted
        return said is wanted

    def has_not_completed(self) -> bool:
        """Return whether the upload goes on or is dead: whatever it is, it is not complete."""
        response = self.head()
        return is_client_error(response.status) or self._says(response, False)

    def holds(self, content: bytes) -> bool:
        """Return whether GET gives these bytes; where no bytes are served there is no telling."""
        if not self.peer.serves_content:
            return True
        response = self.get()
        assert response.status == 200, response
        return response.body == content

    def is_gone(self) -> bool:
        """Return whether HEAD and PATCH find no upload."""
        answers = [self.head(), self.patch(b"", 0, complete=False)]
        return all(answer.status in GONE for answer in answers)


def addresses(heads: list[RawResponse]) -> list[RawResponse]:
    """Return the 104 responses that announce an upload's address."""
    return [head for head in heads if head.status == 104 and head.get("Location")]


def next_interim(
    connection: RawConnection, status: int = 104, patience: float = LOCK_PATIENCE_S
) -> RawResponse:
    """Return the next interim response of that status.

    Raises: TimeoutError: none came.
    """
    while (head := connection.read_head(patience)).status != status:
        assert head.status < 200, f"answered before any content: {head}"
    return head


def is_ended(connection: RawConnection, timeout: float) -> bool:
    """Return whether the server ended a request that we had not ended: an answer, or a close."""
    try:
        connection.read_response("PATCH", timeout)
    except ConnectionClosed:
        return True
    except TimeoutError:
        return False
    return True
