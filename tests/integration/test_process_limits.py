"""Limits and locks hold for all processes of one port together, without Redis."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
from support.raw_http import silent_patch
from support.server import running_server
from support.tus import create, offset, post
from support.waiting import wait_until

LIMITS = {
    "TUSD_LIMITS__OPEN_UPLOADS": "50",
    "TUSD_LIMITS__REQUESTS": "120",
    # One more request is allowed after 12 minutes, which no machine needs here.
    "TUSD_LIMITS__WINDOW": "24h",
}


def test_a_quota_and_a_rate_are_exact_and_an_upload_has_one_writer(tmp_path: Path) -> None:
    flags = ("--processes", "4", "--workers", "0")
    with running_server(tmp_path / "data", *flags, env=LIMITS) as server:
        url = create(server, 100)
        # Each request has a connection of its own, which any process may get.
        with silent_patch(url, 0, 100, b"bytes"):
            wait_until(lambda: server.file_of(url).stat().st_size == 5)
            assert {offset(url) for _ in range(12)} == {5}

        def refusal(_number: int) -> str:
            answer: httpx.Response = post(server, 100)
            return "" if answer.status_code == 201 else answer.json()["code"]

        with ThreadPoolExecutor(32) as pool:
            refusals = Counter(pool.map(refusal, range(200)))
        assert refusals == {"": 49, "too_many_uploads": 70, "too_many_requests": 81}
