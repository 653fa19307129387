"""Tests of the windows and answers of an ownership proof."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.domain.ownership_windows import answer, draw_question, windows
from tusd_py.file_pieces import range_reader

MIB = 1 << 20
nonces = st.binary(min_size=32, max_size=32)


PERIOD = 1 << 16
PATTERN = bytes((at * 31 + at // 256) % 256 for at in range(PERIOD)) * (3 * MIB // PERIOD)


def patterned(offset: int, length: int) -> bytes:
    """Return bytes of a file that is computed from the offset."""
    return PATTERN[offset : offset + length]


@given(nonces, st.integers(MIB + 1, 1 << 44))
def test_windows_lie_within_the_file_do_not_overlap_and_cover_its_ends(
    nonce: bytes, size: int
) -> None:
    found = windows(nonce, size)
    offsets = [offset for offset, _ in found]
    assert offsets == sorted(set(offsets))
    assert {length for _, length in found} == {4096}
    assert (offsets[0], offsets[-1]) == (0, size - 4096)
    assert 3 <= len(found) <= 258


@given(nonces, st.integers(1, MIB))
def test_the_window_of_a_small_file_is_the_whole_file(nonce: bytes, size: int) -> None:
    assert windows(nonce, size) == [(0, size)]


def test_another_nonce_chooses_other_windows() -> None:
    first, second = windows(bytes(32), 1 << 30), windows(bytes([1]) * 32, 1 << 30)
    assert len({*first} & {*second}) < 10


def test_vectors() -> None:
    """The same vectors are in docs/instant-upload.md, for clients in other languages."""
    nonce = bytes(range(32))
    assert windows(nonce, 3 * MIB)[:4] == [(0, 4096), (15029, 4096), (31322, 4096), (33877, 4096)]
    assert len(windows(nonce, 3 * MIB)) == 258
    assert (
        answer(nonce, 3 * MIB, patterned).hex()
        == "5ccf69ecd47503a9140d967cfca4ad76ce5af76c572b53196b5d76d238f9804c"
    )
    assert (
        answer(nonce, 1000, patterned).hex()
        == "cf28e1ed65a789d9cc9b11f30c4da137271946db5dda1855377557ea0d4b4df2"
    )


@given(st.integers(0, 3 * MIB - 1))
def test_only_a_wrong_byte_within_a_window_changes_the_answer(at: int) -> None:
    nonce, size = bytes(32), 3 * MIB

    def spoilt(offset: int, length: int) -> bytes:
        piece = bytearray(patterned(offset, length))
        if offset <= at < offset + length:
            piece[at - offset] ^= 1
        return bytes(piece)

    within = any(offset <= at < offset + length for offset, length in windows(nonce, size))
    assert (answer(nonce, size, spoilt) == answer(nonce, size, patterned)) != within


def test_a_drawn_question_contains_its_answer() -> None:
    first, second = draw_question(5000, patterned), draw_question(5000, patterned)
    assert first.nonce != second.nonce
    assert first.answer == answer(first.nonce, 5000, patterned)


def test_a_file_that_became_shorter_has_no_answer(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"short")
    with path.open("rb") as file, pytest.raises(OSError, match="shorter"):
        answer(bytes(32), os.stat(path).st_size + 1, range_reader(file.fileno()))
