"""Answers of services that this project asks: bounded in bytes and in time as a whole.

Time limits of an HTTP client are for each read, so that a service that sends a byte now and then is
never late; and a limit of bytes behind the decompression comes too late. So nothing is decompressed,
redirects are not followed, and one deadline covers name, connection, head and body.
"""

import asyncio
from typing import Final

import httpx

IDENTITY: Final = {"Accept-Encoding": "identity"}


class UnusableAnswer(ValueError):
    """Raised when an answer is too large, compressed or not the one that was expected."""


async def read_bounded(response: httpx.Response, max_bytes: int) -> bytes:
    """The body of a streamed answer as it comes.

    Raises: UnusableAnswer: it is compressed, or larger; httpx.TransportError.
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
    """Whether the body is as the server holds it, not compressed, which no request here asks for."""
    return response.headers.get("content-encoding", "identity").strip().lower() in ("", "identity")


def fetch_document(url: str, *, seconds: float, max_bytes: int) -> bytes:
    """The document at an address. Blocks for ``seconds`` at most; not on a thread with an event loop.

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
