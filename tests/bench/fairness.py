"""How long a small file waits behind a hundred films of another user: ``make bench-fairness``.

There is one slot. Printed for SQLite and RabbitMQ: seconds until the file is completed, and seconds
until a film of the second user begins, with the number of the first user's films that are done
then.
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from support.media import video
from support.server import Server, running_server
from support.services import RabbitMq
from support.tokens import SECRET, bearer, token
from support.tus import upload
from support.waiting import wait_until

FILMS = 100
TEXT = b"eighteen bytes, me"


class User:
    """A user of the server."""

    def __init__(self, server: Server, number: int) -> None:
        self._server = server
        self._headers = bearer(token(number))

    def send(self, content: bytes) -> str:
        return upload(self._server, content, headers=self._headers)

    def progress(self, task: str) -> dict[str, Any]:
        url = f"{self._server.url}/api/file/upload/progress/{task}"
        found: dict[str, Any] = httpx.get(url, headers=self._headers, timeout=60).json()
        return found


def measure(name: str, folder: Path, env: dict[str, str]) -> None:
    film = video(folder / "film.mp4").read_bytes()
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET, **env}
    with running_server(folder / "data", "--workers", "1", env=env) as server:
        one, two = User(server, 1), User(server, 2)
        films = [one.send(film + b"\0\0\0\x10free%08d" % number) for number in range(FILMS)]
        begin = time.monotonic()
        text = two.send(TEXT)
        wait_until(lambda: two.progress(text)["status"] == "completed", timeout=600)
        took, begin = time.monotonic() - begin, time.monotonic()
        late = two.send(film + b"\0\0\0\x10free" + b"user two")
        wait_until(lambda: two.progress(late)["status"] != "received", timeout=600)
        waited = time.monotonic() - begin
        done = sum(one.progress(task)["status"] == "completed" for task in films)
    sys.stdout.write(
        f"{name}: text completed after {took:.2f} s; film began after {waited:.2f} s, "
        f"when {done} of {FILMS} films were done\n"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "sqlite").mkdir()
        measure("SQLite", folder / "sqlite", {})
        broker = RabbitMq()
        try:
            broker.start()
            (folder / "rabbitmq").mkdir()
            env = {
                "TUSD_RABBITMQ__HOST": "127.0.0.1",
                "TUSD_RABBITMQ__PORT": str(broker.port),
                "TUSD_RABBITMQ__USER": broker.user,
                "TUSD_RABBITMQ__PASSWORD": broker.password,
                "TUSD_RABBITMQ__VHOST": broker.virtual_host(),
            }
            measure("RabbitMQ", folder / "rabbitmq", env)
        finally:
            broker.close()


main()
