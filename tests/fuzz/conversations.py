"""Conversations with an HTTP server that begin as valid ones and are spoiled, by a seed.

A conversation is a list of packets: what is sent at once arrives at once, as far as TCP allows.
"""

import base64
import itertools
import random
from typing import Final

_ID: Final = "0123456789abcdef0123456789abcdef"
_HOST: Final = "Host: 127.0.0.1\r\n"
_TUS: Final = f"{_HOST}Tus-Resumable: 1.0.0\r\n"
_BODY: Final = f"{_TUS}Content-Type: application/offset+octet-stream\r\n"
_NAME: Final = base64.b64encode("视频.mp4".encode()).decode()
_FORM: Final = (
    '--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n'
    "Content-Type: text/plain\r\n\r\nhello\r\n--x--\r\n"
)

VALID: Final = tuple(
    text.encode()
    for text in (
        f"POST /files/ HTTP/1.1\r\n{_TUS}Upload-Length: 5\r\nUpload-Metadata: filename {_NAME}\r\n"
        "Content-Length: 0\r\n\r\n",
        f"POST /files/ HTTP/1.1\r\n{_BODY}Upload-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
        f"POST /files/ HTTP/1.1\r\n{_BODY}Upload-Defer-Length: 1\r\nTransfer-Encoding: chunked\r\n"
        "Trailer: Upload-Checksum\r\n\r\n5;x=y\r\nhello\r\n0\r\n"
        "Upload-Checksum: crc32 NhCmhg==\r\n\r\n",
        f"POST /files/ HTTP/1.1\r\n{_TUS}Upload-Concat: final;/files/{_ID} /files/{_ID}\r\n"
        "Content-Length: 0\r\n\r\n",
        f"PATCH /files/{_ID} HTTP/1.1\r\n{_BODY}Upload-Offset: 0\r\nContent-Length: 5\r\n"
        "Expect: 100-continue\r\n\r\nhello",
        f"PATCH /files/{_ID} HTTP/1.1\r\n{_BODY}Upload-Offset: 0\r\nTransfer-Encoding: chunked\r\n"
        "\r\n5\r\nhello\r\n0\r\n\r\n",
        f"HEAD /files/{_ID} HTTP/1.1\r\n{_TUS}\r\n",
        f"DELETE /files/{_ID} HTTP/1.1\r\n{_TUS}\r\n",
        f"GET /files/{_ID} HTTP/1.1\r\n{_HOST}Range: bytes=0-3\r\n\r\n",
        f"OPTIONS /files/ HTTP/1.1\r\n{_HOST}Origin: https://a.example\r\n"
        "Access-Control-Request-Method: PATCH\r\n\r\n",
        f"POST /api/file/upload HTTP/1.1\r\n{_HOST}"
        "Content-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(_FORM)}\r\n\r\n{_FORM}",
        f"POST /api/file/upload/tickets HTTP/1.1\r\n{_HOST}Content-Type: application/json\r\n"
        f'Content-Length: 11\r\n\r\n{{"id": "x"}}',
        f"GET /api/file/upload/tasks?page=1&size=5 HTTP/1.1\r\n{_HOST}\r\n",
        f"GET /api/file/upload/progress/{_ID} HTTP/1.1\r\n{_HOST}\r\n",
        f"GET /api/file/upload/events/{_ID} HTTP/1.1\r\n{_HOST}Last-Event-ID: 0a1b.3\r\n\r\n",
        f"GET /api/file/upload/ws/{_ID} HTTP/1.1\r\n{_HOST}Connection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\x01\x05hello",
        f"GET / HTTP/1.1\r\n{_HOST}\r\n",
        f"GET /healthz HTTP/1.0\r\n{_HOST}\r\n",
    )
)
_TOKENS: Final = (
    b"\r\n", b"\n", b"\0", b"\r", b" ", b"\t", b":", b"%00", b"%2e%2e/", b"//", b"\xff\xfe",
    b"'\"<>",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n",
    b"Content-Length: 5\r\n", b"Content-Length: 18446744073709551617\r\n",
    b"Content-Length: -1\r\n",
    b"Upgrade: h2c\r\nConnection: Upgrade\r\n", b"Connection: close\r\n",
    b"Expect: 100-continue\r\n",
    b"Upload-Length: 99999999999999999999\r\n", b"Upload-Offset: 9\r\n",
    b"Upload-Defer-Length: 1\r\n",
    b"Upload-Checksum: sha1 x\r\n", b"X-HTTP-Method-Override: DELETE\r\n", b"Range: bytes=-0\r\n",
    b"Content-Encoding: gzip\r\n", b"ffffffffffffffff\r\n", b"0\r\n\r\n", b"Cookie: " + b"a" * 5000,
    b"X: " + b"y" * 70_000, b"a: b\r\n" * 500, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"CONNECT a:1 HTTP/1.1\r\n",
)  # fmt: skip


def conversation(seed: int) -> list[bytes]:
    """Return one to three requests, up to six places of them changed, cut into packets."""
    rng = random.Random(seed)
    content = bytearray(b"".join(rng.choices(VALID, k=rng.randint(1, 3))))
    for _ in range(rng.randint(0, 6)):
        _spoil(content, rng)
    cuts = sorted(rng.sample(range(len(content) + 1), k=min(len(content), rng.randint(0, 4))))
    edges = [0, *cuts, len(content)]
    packets = [bytes(content[a:b]) for a, b in itertools.pairwise(edges)]
    return [packet for packet in packets if packet]


def _spoil(content: bytearray, rng: random.Random) -> None:
    at = rng.randrange(len(content) + 1)
    until = min(len(content), at + rng.choice((1, 2, 8, 40)))
    match rng.randrange(5):
        case 0:
            content[at:until] = b""
        case 1:
            content[at:at] = rng.choice(_TOKENS)
        case 2:
            content[at:until] = rng.randbytes(until - at)
        case 3:
            content[at:until] = content[at:until] * rng.choice((2, 50))
        case _:
            # A whole field is added where fields stand.
            line = content.find(b"\r\n", at)
            if line >= 0:
                content[line + 2 : line + 2] = rng.choice(_TOKENS)
