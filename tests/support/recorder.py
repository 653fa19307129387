"""An application that records the requests that reach it."""

import asyncio

from support.uvicorn_server import Receive, Scope, Send


class Recorder:
    """Takes each body and answers with the path.

    ``/wait`` is answered once ``go`` is set, ``/stream`` never ends, ``/large`` has a length that
    is more than any buffer's.
    """

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.bodies: list[bytes] = []
        self.gone: list[str] = []
        self.written = 0
        self.go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self.seen.append(path)
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
            return
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.gone.append(path)
                return
            body += message["body"]
            if not message["more_body"]:
                break
        self.bodies.append(bytes(body))
        if path == "/wait":
            await self.go.wait()
        if path in {"/stream", "/large"}:
            await self._stream(path, receive, send)
            return
        text = path.encode()
        length = (b"content-length", b"%d" % len(text))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": text})

    async def _stream(self, path: str, receive: Receive, send: Send) -> None:
        fields = [(b"content-length", b"%d" % (1 << 30))] if path == "/large" else []
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        gone = asyncio.ensure_future(receive())
        while not gone.done():
            self.written += 1
            piece = bytes(256 << 10)
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if path == "/stream":
                await asyncio.wait([gone], timeout=0.01)
            else:
                await asyncio.sleep(0)
        self.gone.append(path)
