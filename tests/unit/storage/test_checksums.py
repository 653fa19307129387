"""Tests of the checksum algorithms of tus against known digests."""

import hashlib
import itertools
import subprocess
import sys

import blake3
import pytest

from tusd_py.storage import checksums

CHECK = b"123456789"
"""The input whose sums every CRC catalogue lists."""
KNOWN = {
    "sha1": hashlib.sha1(CHECK).digest(),
    "sha256": hashlib.sha256(CHECK).digest(),
    "md5": hashlib.md5(CHECK).digest(),
    "crc32": bytes.fromhex("cbf43926"),
    "crc32c": bytes.fromhex("e3069283"),
    "blake3": blake3.blake3(CHECK).digest(),
}


def test_sha1_comes_first_and_all_are_announced() -> None:
    assert tuple(KNOWN) == checksums.ALGORITHMS


@pytest.mark.parametrize("algorithm", KNOWN)
@pytest.mark.parametrize("cuts", [(0, 9), (0, 1, 2, 9), (0, 4, 4, 9)], ids=str)
def test_the_digest_does_not_depend_on_the_sizes_of_the_chunks(
    algorithm: str, cuts: tuple[int, ...]
) -> None:
    digest = checksums.new(algorithm)
    for start, end in itertools.pairwise(cuts):
        digest.update(memoryview(CHECK)[start:end])
    assert digest.digest() == KNOWN[algorithm]
    assert len(digest.digest()) == checksums.digest_size(algorithm)


@pytest.mark.parametrize("algorithm", KNOWN)
def test_an_empty_chunk_has_a_digest(algorithm: str) -> None:
    assert len(checksums.new(algorithm).digest()) == checksums.digest_size(algorithm)


@pytest.mark.parametrize("function", [checksums.new, checksums.digest_size])
@pytest.mark.parametrize("name", ["", "SHA1", "sha512", "crc64"])
def test_an_unknown_algorithm_is_a_key_error(function: object, name: str) -> None:
    assert callable(function)
    with pytest.raises(KeyError):
        function(name)


def test_crc32c_is_not_announced_if_its_package_is_missing() -> None:
    code = """
import sys
sys.modules["crc32c"] = None
from tusd_py.storage import checksums
print(*checksums.ALGORITHMS)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["sha1", "sha256", "md5", "crc32", "blake3"]
