"""Reads answers of other services with a limit of bytes and one deadline.

The time limits of an HTTP client apply to each read, so that a service that sends a byte now and
then is never late; a limit of bytes after the decompression is applied too late. So nothing is
decompressed, redirects are not followed, and one deadline covers name, connection, head and body.
"""

import asyncio
from typing import Final

import httpx

IDENTITY: Final = {"Accept-Encoding": "identity"}


class UnusableAnswer(ValueError):
    """Is raised when an answer is too large, compressed or not the one that was expected."""


async def read_bounded(response: httpx.Response, max_bytes: int) -> bytes:
    """Return the body of a streamed answer.

    Raises: UnusableAnswer: it is compressed, or larger than ``max_bytes``; httpx.TransportError.
    """
    if not is_plain(response):
        raise UnusableAnswer("the answer is compressed")
    content = bytearray()
    async for piece in response.aiter_raw():
        content += piece
        if len(content) > max_bytes:
            raise UnusableAnswer("the answer is too large")
    return bytes(content)


def is_plain(response: httpx.Response) -> bool:
    """Return whether the body is not compressed; no request here accepts compression."""
    return response.headers.get("content-encoding", "identity").strip().lower() in ("", "identity")


def fetch_document(url: str, *, seconds: float, max_bytes: int) -> bytes:
    """Return the document at an address. Blocks for ``seconds`` at most.

    It must not be called on a thread with an event loop.
    Raises: UnusableAnswer, TimeoutError, httpx.HTTPError, httpx.InvalidURL.
    """
    return asyncio.run(_fetch(url, seconds, max_bytes))


async def _fetch(url: str, seconds: float, max_bytes: int) -> bytes:
    async with (
        asyncio.timeout(seconds),
        httpx.AsyncClient(timeout=seconds) as client,
        client.stream("GET", url, headers=IDENTITY, follow_redirects=False) as response,
    ):
        if response.status_code != 200:
            raise UnusableAnswer(f"answered {response.status_code}")
        return await read_bounded(response, max_bytes)
