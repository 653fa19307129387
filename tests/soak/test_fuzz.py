"""Fuzzing for minutes: each parser by coverage, the server by its socket, the worker by media heads.

``FUZZ_SECONDS`` is the time of each target (default 10). What is found goes into
``tests/fuzz/corpus`` together with its mend.
"""

import itertools
import os
import random
import re
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
from fuzz.conversations import conversation
from fuzz.targets import TARGETS
from support.media import video
from support.server import Server, running_server
from support.tus import upload

SECONDS = float(os.environ.get("FUZZ_SECONDS", "10"))
SEED = int(os.environ.get("FUZZ_SEED", "0")) or random.SystemRandom().randrange(1 << 40)
ANSWER_SECONDS = 1.5
CONNECTIONS = 16
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
_EXPECTED_SERVER_ERRORS = {
    500: b"body_timeout",
    501: b"unsupported_transfer_coding",
    503: b"shutting_down",
}
_FOLDER = Path(__file__).parents[1]


@pytest.mark.parametrize("name", TARGETS)
def test_a_parser(name: str, tmp_path: Path) -> None:
    ran = subprocess.run(
        [
            sys.executable, str(_FOLDER / "fuzz" / "campaign.py"), name, str(int(SECONDS)),
            str(tmp_path),
        ],
        env={**os.environ, "PYTHONPATH": f"{_FOLDER}{os.pathsep}{_FOLDER.parent}"},
        capture_output=True,
        text=True,
        timeout=SECONDS + 120,
        check=False,
    )  # fmt: skip
    found = [path.read_bytes() for path in tmp_path.glob("crash-*")]
    assert ran.returncode == 0, f"{found}\n{ran.stderr[-4000:]}"


@pytest.mark.parametrize("seed", [SEED])
def test_the_server_by_its_socket(tmp_path: Path, seed: int) -> None:
    with running_server(
        tmp_path / "data", "--workers", "1", env={"TUSD_IDLE_TIMEOUT": "1s"}
    ) as server:
        until = time.monotonic() + 6 * SECONDS
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            for start in itertools.count(seed, 200):
                seeds = range(start, start + 200)
                for each, unexpected in zip(
                    seeds, pool.map(partial(talk, server), seeds), strict=True
                ):
                    assert not unexpected, f"conversation({each}): {unexpected[:2000]!r}"
                if time.monotonic() > until:
                    break
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        server.wait_for_status(upload(server, b"still at work" * 999), "completed")
        crashes = [line for line in server.lines if "Traceback" in line or "crashed" in line]
        assert not crashes, "\n".join(server.lines[-200:])


def talk(server: Server, seed: int) -> bytes:
    """Send the packets of a conversation; return the answers if an unexpected 5xx is among them.

    Every second client closes its side behind the last packet.
    """
    answers = b""
    with socket.create_connection(("127.0.0.1", server.port), ANSWER_SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            for packet in conversation(seed):
                connection.sendall(packet)
            if seed % 2:
                connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answers += piece
        except OSError:
            pass
    failures = [int(status) for status in _STATUS.findall(answers) if int(status) >= 500]
    unexpected = [
        each for each in failures if _EXPECTED_SERVER_ERRORS.get(each, b"\0") not in answers
    ]
    return answers if unexpected else b""


@pytest.mark.parametrize("seed", [SEED])
def test_the_worker_by_media_heads(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    clips = [
        video(tmp_path / name, seconds=0.4, size="64x48").read_bytes()
        for name in ("a.mp4", "b.webm", "c.avi", "d.mkv", "e.ts", "f.mov")
    ]
    fast = {
        "TUSD_MEDIA__PRESET": "ultrafast",
        "TUSD_JOBS__RELAY_EVERY": "0.1",
        "TUSD_JOBS__BACKOFF": "0.1s",
    }
    with running_server(tmp_path / "data", "--workers", "2", env=fast) as server:
        until = time.monotonic() + 6 * SECONDS
        while time.monotonic() < until:
            content = bytearray(rng.choice(clips))
            for _ in range(rng.randint(1, 12)):
                # Most facts of a container stand at its beginning or its end.
                place = rng.choice(
                    (rng.randrange(256), rng.randrange(len(content)), -1 - rng.randrange(512))
                )
                content[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            task = upload(server, bytes(content), "clip.mp4")
            server.wait_for_status(task, "completed", timeout=120)
