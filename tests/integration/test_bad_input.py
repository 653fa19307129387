"""Bad input gets a status, a stable code and a sentence, and changes nothing else."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from support.files import files_in
from support.server import Server, running_server
from support.small_disk import fill, small_disk
from support.tus import BODY, TUS, append, create, head, offset, patch

CASES = [
    ("POST", "", {"Tus-Resumable": "0.2.2", "Upload-Length": "1"}, 412, "unsupported_version"),
    ("POST", "", {"Upload-Length": "-1"}, 400, "malformed_header"),
    ("POST", "", {"Upload-Length": "+5"}, 400, "malformed_header"),
    ("POST", "", {"Upload-Length": str(2**63)}, 400, "malformed_header"),
    ("POST", "", {"Upload-Length": "99999999999999"}, 413, "max_size_exceeded"),
    ("POST", "", {"Upload-Length": "1", "Upload-Metadata": "key !!!!"}, 400, "malformed_header"),
    ("POST", "", {"Upload-Length": "1", "Upload-Metadata": "a YQ==,a Yg=="}, 400,
     "malformed_header"),
    ("POST", "", {"Upload-Length": "1", "Upload-Metadata": "k " + "A" * 20000}, 431,
     "metadata_too_large"),
    ("POST", "", {"Upload-Concat": "final;/files/nothing"}, 400, "invalid_concatenation"),
    ("HEAD", "..%2f..%2fetc%2fpasswd", {}, 404, None),
    ("PATCH", "a%00b", {"Upload-Offset": "0", **BODY}, 404, "upload_not_found"),
    ("DELETE", "f" * 32, {}, 404, "upload_not_found"),
    ("PUT", "f" * 32, {}, 405, "method_not_allowed"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "headers", "status", "code"), CASES)
def test_a_bad_request_gets_the_reason(
    server: Server, method: str, path: str, headers: dict[str, str], status: int, code: str | None
) -> None:
    answer = httpx.request(method, f"{server.files}{path}", headers={**TUS, **headers})
    assert answer.status_code == status
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    if code is not None:
        problem = answer.json()
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert (problem["status"], problem["code"]) == (status, code)
        assert problem["detail"].endswith((".", "GB", "bytes."))
    assert files_in(server.data_dir / "uploads") == []


def test_a_wrong_offset_is_answered_with_the_right_one(server: Server) -> None:
    url = create(server, 10)
    patch(url, 0, b"12345")
    answer = patch(url, 0, b"12345")
    assert answer.status_code == 409
    assert answer.headers["Upload-Offset"] == "5"
    assert answer.json()["detail"] == "The offset is 5, the request said 0."
    assert offset(url) == 5


def test_an_overlong_body_changes_nothing_with_a_length_or_chunked(server: Server) -> None:
    url = create(server, 10)
    assert patch(url, 0, b"x" * 16).status_code == 413
    chunked = patch(url, 0, iter([b"x" * 8] * 2))
    assert (chunked.status_code, chunked.json()["code"]) == (413, "length_exceeded")
    assert offset(url) == 0
    append(url, 0, b"0123456789")


def test_a_file_that_differs_from_its_hash_is_dropped(server: Server) -> None:
    url = create(server, 4, filehash="blake3:" + "0" * 64)
    answer = patch(url, 0, b"data")
    assert (answer.status_code, answer.json()["code"]) == (460, "hash_mismatch")
    assert head(url).status_code == 410


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of 16 MiB: several processes share 6 MiB of tables."""
    with small_disk(tmp_path, 16) as mount:
        yield mount


def test_a_full_disk_is_reported_and_loses_nothing_that_was_acknowledged(disk: Path) -> None:
    env = {"TUSD_LIMITS__DISK_RESERVE": "0"}
    with running_server(disk / "data", "--workers", "0", env=env) as server:
        url = create(server, None)
        append(url, 0, b"a" * 100_000)
        ballast = disk / "ballast"
        fill(ballast)
        answer = patch(url, 100_000, b"b" * 3_000_000)
        assert (answer.status_code, answer.json()["code"]) == (507, "storage_full")
        assert answer.headers["Retry-After"]
        reached = offset(url)
        assert 100_000 <= reached < 3_100_000
        ballast.unlink()
        rest = 200_000 - reached if reached < 200_000 else 0
        append(url, reached, b"c" * rest)


def test_errors_carry_cors_so_that_a_page_can_read_them(server: Server) -> None:
    answer = patch(f"{server.files}{'0' * 32}", 0, b"", Origin=server.url)
    assert answer.status_code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == server.url
    assert "Upload-Offset" in answer.headers["Access-Control-Expose-Headers"]
