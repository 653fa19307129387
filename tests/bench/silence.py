"""Whether times disclose what others hold: ``make bench-silence``.

A user of a tenant declares hashes of a colleague's files and hashes of no file, in random order,
and times each answer: plain creations, creations that request a challenge, wrong proofs. Mann and
Whitney's test decides whether the two are drawn from one distribution.
"""

import argparse
import base64
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import blake3
import httpx
from rich.console import Console
from rich.table import Table
from support.server import Server, running_server
from support.tokens import SECRET, bearer, token
from support.tus import TUS, chunk, creation, upload
from support.waiting import wait_until

from tusd_py.domain.ownership_proof import ANSWER_BYTES
from tusd_py.worker.pipeline.ownership_windows import QUESTIONS

SIZE: Final = (1 << 20) + 4096
SETTINGS: Final = {
    "TUSD_AUTH__ACCESS_SECRET": SECRET,
    "TUSD_INSTANT__SCOPE": "tenant",
    "TUSD_INSTANT__CHALLENGES_PER_HOUR": "1000000",
    "TUSD_JOBS__RELAY_EVERY": "0.1s",
}


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=320, help="of each kind and question")
    samples: int = parser.parse_args().samples
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(Path(folder) / "data", "--workers", "1", env=SETTINGS) as server,
    ):
        held = _stored(server, math.ceil(samples / QUESTIONS))
        times = _timed(server, held, samples)
    table = Table("question", "held by another, ms", "by no user, ms", "P(longer)", "p")
    for name, (those, these) in times.items():
        share, p = mann_whitney(those, these)
        table.add_row(name, _quartiles(those), _quartiles(these), f"{share:.3f}", f"{p:.2f}")
    console = Console()
    console.print(table)
    console.print(
        f"{samples} answers each; quartiles; P(longer): that an answer about what is held is "
        "the longer one, 0.5 if times disclose nothing; p: of this or a larger difference by chance"
    )


def _stored(server: Server, count: int) -> list[str]:
    """Return the hashes of files that a colleague has."""
    hashes = []
    colleague = bearer(token(1, tenant="acme"))
    for _ in range(count):
        content = os.urandom(SIZE)
        task = upload(server, content, headers=colleague)
        progress = f"{server.url}/api/file/upload/progress/{task}"
        wait_until(
            lambda at=progress: httpx.get(at, headers=colleague).json()["status"] == "completed"
        )
        hashes.append(blake3.blake3(content).hexdigest())
    return hashes


Times = dict[str, tuple[list[float], list[float]]]


def _timed(server: Server, held: Sequence[str], samples: int) -> Times:
    names = ("creation", "creation with challenge", "wrong proof")
    times: Times = {name: ([], []) for name in names}
    order = [True, False] * samples
    random.shuffle(order)
    used = 0
    me = bearer(token(2, tenant="acme"))
    with httpx.Client(headers={**TUS, **me}, timeout=30) as client:
        for is_held in order:
            digest = held[used % len(held)] if is_held else os.urandom(32).hex()
            used += is_held
            found = _one(client, server, digest)
            for name, seconds in zip(names, found, strict=True):
                times[name][0 if is_held else 1].append(seconds * 1000)
    return times


def _one(client: httpx.Client, server: Server, digest: str) -> tuple[float, float, float]:
    headers = creation(SIZE, filename="x", filehash=f"blake3:{digest}")
    plain, made = _seconds(client, "POST", server.files, headers)
    assert made.headers["Upload-Offset"] == "0"
    challenged, made = _seconds(
        client, "POST", server.files, {**headers, "Upload-Instant": "challenge"}
    )
    assert "Upload-Challenge" in made.headers
    wrong = base64.b64encode(bytes(ANSWER_BYTES)).decode()
    headers = chunk(0, Upload_Proof=f":{wrong}:")
    proving, answer = _seconds(client, "PATCH", made.headers["Location"], headers)
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, "0")
    return plain, challenged, proving


def _seconds(
    client: httpx.Client, method: str, url: str, headers: dict[str, str]
) -> tuple[float, httpx.Response]:
    begun = time.perf_counter()
    response = client.request(method, url, headers=headers)
    return time.perf_counter() - begun, response


def mann_whitney(those: Sequence[float], these: Sequence[float]) -> tuple[float, float]:
    """Return the share of pairs in which the first is longer, and its probability by chance.

    The probability is that of a share at least as far from a half (two-sided, normal approximation;
    ties have no weight at this clock's resolution).
    """
    ranked = sorted([(value, True) for value in those] + [(value, False) for value in these])
    ranks = sum(rank for rank, (_, mine) in enumerate(ranked, 1) if mine)
    n, m = len(those), len(these)
    u = ranks - n * (n + 1) / 2
    z = (u - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12)
    return u / (n * m), math.erfc(abs(z) / math.sqrt(2))


def _quartiles(values: Sequence[float]) -> str:
    return " ".join(f"{value:.2f}" for value in statistics.quantiles(values, n=4))


if __name__ == "__main__":
    sys.exit(main())
