"""Measures the path of a PATCH through the product: frames until the write, and files entered.

It runs a real server in this process, with the connection class that it has in production.
"""

import asyncio
import contextvars
import os
import re
import socket
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

from support.uvicorn_server import serving

ROOT: Final = Path(__file__).resolve().parents[2]
PRODUCT: Final = ("tusd_py", "worker")

Frame = tuple[str, str, int]
"""File below the root, qualified name, line."""
_origin: "contextvars.ContextVar[tuple[Frame, ...]]" = contextvars.ContextVar("origin", default=())
_hop = threading.local()


def _frame(frame: FrameType) -> Frame | None:
    name = _product_file(frame.f_code)
    return None if name is None else (name, frame.f_code.co_qualname, frame.f_lineno)


@cache
def _product_file(code: CodeType) -> str | None:
    path = Path(code.co_filename)
    if not path.is_relative_to(ROOT):
        return None
    name = path.relative_to(ROOT).as_posix()
    return name if name.split("/")[0] in PRODUCT else None


def _stack(top: FrameType | None) -> tuple[Frame, ...]:
    """Return the product's frames, the outermost first.

    They begin with the frames of the thread or task that handed the work over.
    """
    found: list[Frame] = []
    while top is not None:
        frame = _frame(top)
        if frame is not None:
            found.append(frame)
        top = top.f_back
    return (*getattr(_hop, "origin", _origin.get()), *reversed(found))


class Watch:
    """Records the stacks at which an upload's file is written, and product files entered."""

    def __init__(self) -> None:
        self.active = False
        self.stacks: Counter[tuple[Frame, ...]] = Counter()
        self.entered: set[str] = set()

    def profile(self, frame: FrameType, event: str, _argument: object) -> None:
        if self.active and event == "call":
            name = _product_file(frame.f_code)
            if name is not None:
                self.entered.add(name)

    def install(self) -> None:
        """Install the watch before the application makes its threads, and on the loop's thread."""
        threading.setprofile(self.profile)
        sys.setprofile(self.profile)
        for name in ("pwritev", "pwrite", "writev", "write"):
            self._wrap(name)
        self._follow_threads()
        asyncio.get_running_loop().set_task_factory(_made_task)

    def _wrap(self, name: str) -> None:
        real: Callable[..., int] = getattr(os, name)

        def write(descriptor: int, *arguments: Any) -> int:
            if self.active and "/uploads/" in os.readlink(f"/proc/self/fd/{descriptor}"):
                self.stacks[_without_lines(_from_endpoint(_stack(sys._getframe(1))))] += 1
            return real(descriptor, *arguments)

        setattr(os, name, write)

    def _follow_threads(self) -> None:
        real = ThreadPoolExecutor.submit

        def submit(pool: Any, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
            origin = _stack(sys._getframe(1))

            def run() -> Any:
                _hop.origin = origin
                try:
                    return function(*args, **kwargs)
                finally:
                    del _hop.origin

            return real(pool, run)

        ThreadPoolExecutor.submit = submit  # type: ignore[method-assign,assignment]


def _made_task(loop: asyncio.AbstractEventLoop, coroutine: Any, **how: Any) -> Any:
    """Make a task that keeps the frames which made it."""
    context = how.pop("context", None) or contextvars.copy_context()
    context.run(_origin.set, _stack(sys._getframe(1)))
    return asyncio.Task(coroutine, loop=loop, context=context, **how)


def _from_endpoint(stack: tuple[Frame, ...]) -> tuple[Frame, ...]:
    """Return the frames from the innermost ``__call__`` below http/: the endpoint's."""
    starts = [
        index
        for index, (file, name, _) in enumerate(stack)
        if "/http/" in file and name.endswith(".__call__")
    ]
    return stack[starts[-1] :] if starts else stack


def _without_lines(stack: tuple[Frame, ...]) -> tuple[Frame, ...]:
    return tuple((file, name, 0) for file, name, _ in stack)


def patch_figures(verbose: bool) -> Iterator[str]:
    """Count frames from the endpoint's ``__call__`` to the write of the upload's file.

    Both are counted, joined over threads and tasks: those of the write whose stack was seen most
    often. Files of the product are those that are entered from the request to its answer, in each
    of five requests.
    """
    for name, (stacks, entered) in asyncio.run(_measured()).items():
        stack, _ = max(stacks.items(), key=lambda item: (item[1], len(item[0])))
        yield f"frames from the endpoint to the write, PATCH {name}: {len(stack)}"
        if verbose:
            yield from (f"    {file} {qualified}" for file, qualified, _ in stack)
            others = [len(other) for other in stacks if other != stack]
            yield f"    frames of other writes: {others or 'none'}"
        yield f"product files entered, PATCH {name}: {len(entered)}"
        if verbose:
            yield from (f"    {file}" for file in sorted(entered))


async def _measured() -> dict[str, tuple[Counter[tuple[Frame, ...]], set[str]]]:
    from tusd_py.server import create_app
    from tusd_py.settings.model import Settings

    watch = Watch()
    watch.install()
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder) / "data", workers=0)
        app = create_app(settings)
        async with app.router.lifespan_context(app), serving(app) as port:
            for size, name in ((4 << 20, "of 4 MiB"), (4 << 10, "of 4 KiB")):
                for last, where in ((False, "in the middle"), (True, "to the end")):
                    seen = [await _patched(watch, port, size, last=last) for _ in range(5)]
                    entered = set.intersection(*(files for _, files in seen))
                    found[f"{name} {where}"] = (seen[-1][0], entered)
    sys.setprofile(None)
    threading.setprofile(None)  # type: ignore[arg-type]
    return found


async def _patched(
    watch: Watch, port: int, size: int, *, last: bool
) -> tuple[Counter[tuple[Frame, ...]], set[str]]:
    length = size if last else 2 * size
    fields = {"Tus-Resumable": "1.0.0", "Upload-Length": str(length), "Content-Length": "0"}
    head = await asyncio.to_thread(_exchange, port, "POST", "/files/", fields, b"")
    location = re.search(rb"(?i)location: *http://[^/]+(\S+)", head)
    assert location, head
    path = location[1].decode()
    fields = {
        "Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Length": str(size),
        "Content-Type": "application/offset+octet-stream",
    }  # fmt: skip
    watch.stacks, watch.entered = Counter(), set()
    watch.active = True
    answer = await asyncio.to_thread(_exchange, port, "PATCH", path, fields, bytes(size))
    watch.active = False
    assert answer.startswith(b"HTTP/1.1 204"), answer
    return watch.stacks, watch.entered


def _exchange(port: int, method: str, path: str, fields: dict[str, str], body: bytes) -> bytes:
    """Return the head of the answer.

    A body of a few KiB comes with the head, as clients send it.
    """
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        head = b""
        while b"\r\n\r\n" not in head:
            piece = connection.recv(65536)
            assert piece, head
            head += piece
    return head
