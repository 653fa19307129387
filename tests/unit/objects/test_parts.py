"""A file is cut into parts, and a part is read."""

import io
import threading
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.objects.parts import (
    MAX_PART_BYTES,
    MAX_PARTS,
    MIB,
    MIN_PART_BYTES,
    PartReader,
    Span,
    UploadStopped,
    part_size,
    spans,
)


@given(st.integers(0, MAX_PARTS * MAX_PART_BYTES))
def test_parts_are_as_many_and_as_large_as_stores_take(size: int) -> None:
    step = part_size(size)
    assert MIN_PART_BYTES <= step <= MAX_PART_BYTES
    assert step % MIB == 0
    assert size <= step * MAX_PARTS


@given(st.integers(0, 5000), st.integers(1, 700))
def test_parts_follow_each_other_and_cover_the_file(size: int, step: int) -> None:
    cut = spans(size, step)
    assert [span.number for span in cut] == list(range(1, len(cut) + 1))
    assert cut[0].start == 0
    assert all(one.start + one.length == two.start for one, two in pairwise(cut))
    assert cut[-1].start + cut[-1].length == size
    assert all(span.length == step for span in cut[:-1])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(100)))
    return path


def test_a_part_is_a_file_of_its_own(file: Path) -> None:
    with PartReader(file, Span(2, 10, 20)) as body:
        assert len(body) == 20
        assert body.read(5) == bytes(range(10, 15))
        assert body.tell() == 5
        assert body.read() == bytes(range(15, 30))
        assert body.read(5) == b""
        assert body.seek(-3, io.SEEK_END) == 17
        assert body.read() == bytes(range(27, 30))
        assert body.seek(0) == 0
        assert body.read() == bytes(range(10, 30))


def test_progress_is_reported_at_the_end_and_not_while_the_part_is_counted(file: Path) -> None:
    reported: list[int] = []
    with PartReader(file, Span(1, 0, 50), on_progress=reported.append) as body:
        with body.without_progress():
            body.read()
            body.seek(0)
        assert reported == []
        body.read()
        assert reported == [50]


def test_progress_is_reported_in_between(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(MIB))
    reported: list[int] = []
    with PartReader(path, Span(1, 0, MIB), on_progress=reported.append) as body:
        while body.read(16 << 10):
            pass
    assert reported == [256 << 10, 512 << 10, 768 << 10, MIB]


def test_a_file_that_became_shorter_is_an_error(file: Path) -> None:
    with (
        PartReader(file, Span(1, 90, 20)) as body,
        pytest.raises(OSError, match="shorter"),
    ):
        body.read()


def test_a_put_that_ended_reads_no_further(file: Path) -> None:
    stopped = threading.Event()
    with PartReader(file, Span(1, 0, 50), stopped=stopped) as body:
        body.read(10)
        stopped.set()
        with pytest.raises(UploadStopped):
            body.read(10)
