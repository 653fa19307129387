"""Tests that the file of a form has the bytes that python-multipart finds, wherever it is split."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from tusd_py.http.routes import form_content
from tusd_py.http.routes.form_content import FormContent, MalformedForm

BOUNDARY = b"bo"


def by_python_multipart(body: bytes) -> bytes:
    """Return the first part's content."""
    parts: list[bytes] = []

    def take(data: bytes, start: int, end: int) -> None:
        parts[-1] += data[start:end]

    parser = MultipartParser(
        BOUNDARY,
        {"on_part_begin": lambda: parts.append(b""), "on_part_data": take},
    )
    with suppress(FormParserError):
        parser.write(b"--" + BOUNDARY + b"\r\nA: b\r\n\r\n" + body)
    return parts[0]


def by_content(pieces: Sequence[bytes], *, views: bool) -> tuple[bytes, bool]:
    content = FormContent(BOUNDARY, MultipartParser(BOUNDARY, {}), chosen=True)
    read = b""
    for piece in pieces:
        if not content.is_over:
            chunks = (memoryview(bytearray(piece)),) if views else (piece,)
            read += b"".join(bytes(part) for part in content.take(chunks))
    return read, content.is_whole


TOKENS = [
    b"\r",
    b"\n",
    b"-",
    b"b",
    b"o",
    b"a",
    b" ",
    b"\r\n",
    b"--bo",
    b"\r\n--b",
    b"\r\n--bo",
    b"\r\n--bo--",
]


@settings(max_examples=400)
@given(
    body=st.lists(st.sampled_from(TOKENS) | st.binary(max_size=9), max_size=30).map(b"".join),
    cuts=st.lists(st.integers(0, 300), max_size=12),
    views=st.booleans(),
)
def test_the_content_is_that_of_the_parser(body: bytes, cuts: list[int], *, views: bool) -> None:
    places = sorted({0, len(body), *(place % (len(body) + 1) for place in cuts)})
    pieces = [body[start:end] for start, end in pairwise(places)]
    try:
        read, is_whole = by_content(pieces, views=views)
    except MalformedForm:
        # The parser may take for content what is refused here: a delimiter before anything else.
        assert b"\r\n--bo" in body
        return
    if is_whole:
        assert read == by_python_multipart(body)
    else:
        assert body.startswith(read)


@pytest.mark.parametrize("is_there", [True, False])
def test_a_delimiter_at_every_place_of_a_view_is_found(
    monkeypatch: pytest.MonkeyPatch, *, is_there: bool
) -> None:
    """The C library's search gives the same as Python's."""
    if not is_there:
        monkeypatch.setattr(form_content, "_memmem", None)
    for before in range(40):
        body = b"x" * before + b"\r\n--bo--\r\n"
        assert by_content([body], views=True) == (b"x" * before, True)


def test_no_piece_of_the_content_is_a_copy() -> None:
    received = memoryview(bytearray(b"content\r\n--bo--"))
    content = FormContent(BOUNDARY, MultipartParser(BOUNDARY, {}), chosen=True)
    (piece,) = content.take((received,))
    assert isinstance(piece, memoryview)
    assert piece.obj is received.obj
