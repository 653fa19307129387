"""Tests of the answers to GET and HEAD of a content, on any route."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest
from starlette.responses import Response
from support.catalog import upload

from tusd_py.domain.commands import Conditions, Download
from tusd_py.domain.ids import UploadId
from tusd_py.domain.rendition import Rendition
from tusd_py.http.download import content_response
from tusd_py.uploads.download import Content

BODY = b"0123456789"
HASH = "a" * 64
TAG = f'"{HASH}"'


class Reads:
    """Holds a content, and records which ranges of it are read."""

    def __init__(self, link: str | None = None) -> None:
        self.begun: list[tuple[int, int]] = []
        self._link = link
        self.content = Content(
            upload=upload(),
            rendition=Rendition(
                name="web", object_key="k", path="p", hash=HASH, size=len(BODY),
                content_type="video/mp4", ext=".mp4",
            ),
            size=len(BODY), etag=HASH, begin=self._begin, link=self._linked,
        )  # fmt: skip

    async def _begin(self, start: int, length: int) -> AsyncIterator[bytes]:
        self.begun.append((start, length))

        async def pieces() -> AsyncIterator[bytes]:
            yield BODY[start : start + length]

        return pieces()

    async def _linked(self, _disposition: str, _seconds: float) -> str | None:
        return self._link


def answered(reads: Reads, **fields: Any) -> tuple[Response, bytes]:
    """Return the answer, and its body as it is sent."""
    command = Download(upload_id=UploadId(secrets.token_hex(16)), **fields)
    sent: list[dict[str, Any]] = []

    async def main() -> Response:
        response = await content_response(reads.content, command, link_seconds=60.0)
        await response({"type": "http", "method": "GET"}, _receive, _into(sent))
        return response

    response = anyio.run(main)
    return response, b"".join(message.get("body", b"") for message in sent)


async def _receive() -> dict[str, Any]:
    await anyio.sleep_forever()
    raise AssertionError


def _into(sent: list[dict[str, Any]]) -> Callable[[Any], Awaitable[None]]:
    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    return send


def test_the_head_of_an_answer_needs_no_byte_of_the_content() -> None:
    reads = Reads()
    whole, body = answered(reads)
    assert (whole.status_code, body, reads.begun) == (200, BODY, [(0, 10)])
    head, nothing = answered(reads, send_body=False)
    assert (head.status_code, nothing, reads.begun) == (200, b"", [(0, 10)])
    assert sorted(head.headers.items()) == sorted(whole.headers.items())
    # Ranges are defined for GET only (RFC 9110, 14.2).
    ranged, _ = answered(reads, send_body=False, range_header="bytes=99-")
    assert (ranged.status_code, ranged.headers["Content-Length"]) == (200, "10")


def test_a_head_is_not_sent_to_an_address_that_is_signed_for_get() -> None:
    reads = Reads("https://store.example/k?signature=s")
    assert answered(reads)[0].status_code == 307
    head, _ = answered(reads, send_body=False)
    assert (head.status_code, head.headers["Content-Length"]) == (200, "10")
    assert reads.begun == []


@pytest.mark.parametrize("tag", [TAG, f'"x", W/{TAG}', f'"x",{TAG}', "*"])
@pytest.mark.parametrize("send_body", [True, False])
def test_a_content_that_the_client_has_is_not_sent_again(tag: str, send_body: bool) -> None:
    reads = Reads()
    answer, body = answered(
        reads,
        conditions=Conditions(if_none_match=tag),
        range_header="bytes=2-5",
        send_body=send_body,
    )
    assert (answer.status_code, body, reads.begun) == (304, b"", [])
    assert (answer.headers["ETag"], "Content-Length" in answer.headers) == (TAG, False)


@pytest.mark.parametrize(
    ("tag", "status", "body"),
    [
        (None, 206, b"2345"),
        (TAG, 206, b"2345"),
        (f"W/{TAG}", 200, BODY),
        ('"b"', 200, BODY),
        ("Sat, 28 Nov 2026 12:00:00 GMT", 200, BODY),
    ],
)
def test_a_range_of_another_content_is_answered_by_the_whole(
    tag: str | None, status: int, body: bytes
) -> None:
    answer, sent = answered(Reads(), range_header="bytes=2-5", conditions=Conditions(if_range=tag))
    assert (answer.status_code, sent) == (status, body)


def test_a_range_beyond_the_end_of_another_content_is_answered_by_the_whole() -> None:
    refused, _ = answered(Reads(), range_header="bytes=10-", conditions=Conditions(if_range=TAG))
    assert (refused.status_code, refused.headers["Content-Range"]) == (416, "bytes */10")
    answer, sent = answered(
        Reads(), range_header="bytes=10-", conditions=Conditions(if_range='"b"')
    )
    assert (answer.status_code, sent) == (200, BODY)
