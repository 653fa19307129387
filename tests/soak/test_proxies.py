"""A body of 300 MB through every shipped file of a proxy: limits by default are smaller."""

import os
from pathlib import Path

import httpx
import pytest
from support.proxies import PROXIES
from support.required import require_program
from support.server import running_server
from support.tus import BODY, chunk, creation

SIZE = 300_000_000


@pytest.mark.parametrize("program", PROXIES)
def test_a_body_of_300_mb_passes_in_one_request(tmp_path: Path, program: str) -> None:
    require_program(program)
    piece = os.urandom(1_000_000)
    with running_server(tmp_path / "data", "--workers", "0", "--behind-proxy") as server:
        proxy = PROXIES[program](server.port)
        try:
            proxy.start()
            url = httpx.post(proxy.files, headers=creation(SIZE)).headers["Location"]
            fields = {**BODY, **chunk(0), "Content-Length": str(SIZE)}
            pieces = (piece for _ in range(SIZE // len(piece)))
            sent = httpx.patch(url, headers=fields, content=pieces, timeout=300)
            assert (sent.status_code, sent.headers["Upload-Offset"]) == (204, str(SIZE))
        finally:
            proxy.close()
