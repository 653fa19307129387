"""Tests that a form of any kind, in pieces of any size, gives the file or is refused."""

import asyncio
import tracemalloc
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.domain.errors import ProtocolError
from tusd_py.http.routes.form_content import BEHIND_FILE_BYTES, MalformedForm
from tusd_py.http.routes.form_file import BEFORE_FILE_BYTES, FormFile

TYPE: Final = "multipart/form-data; boundary=b"
FILE: Final = b'Content-Disposition: form-data; name="file"; filename="a.txt"'
END: Final = b"\r\n--b--\r\n"


def part(*headers: bytes, content: bytes = b"content") -> bytes:
    return b"--b\r\n" + b"\r\n".join(headers) + b"\r\n\r\n" + content


class Read:
    """Reads one form as the route does. Raises: ProtocolError, ClientDisconnected."""

    def __init__(
        self,
        body: bytes,
        content_types: Sequence[str] = (TYPE,),
        step: int = 0,
        *,
        views: bool = False,
    ) -> None:
        self._views = views
        pieces = [body[at : at + step] for at in range(0, len(body) or 1, step)] if step else [body]
        self._messages: list[dict[str, Any]] = [
            {"type": "http.request", "body": piece, "more_body": number + 1 < len(pieces)}
            for number, piece in enumerate(pieces)
        ]
        self.form = FormFile(self._receive, content_types)
        self.content = asyncio.run(self._read())

    async def _receive(self) -> dict[str, Any]:
        return self._messages.pop(0) if self._messages else {"type": "http.disconnect"}

    async def _read(self) -> bytes:
        content = await self.form.begin()
        pieces = [self.form.early, *(message["body"] for message in self._messages)]
        read = b""
        try:
            for piece in pieces:
                if not content.is_over:
                    read += b"".join(bytes(part) for part in content.take((self._viewed(piece),)))
        except MalformedForm as error:
            raise ProtocolError from error
        if not content.is_whole:
            raise ProtocolError
        return read

    def _viewed(self, piece: bytes) -> bytes | memoryview:
        """Return the piece as the thread gets it: a view from the socket, else bytes."""
        return memoryview(piece) if self._views else piece


WHOLE = {
    "one part": part(FILE) + END,
    "line ends before it": b"\r\n\r\n" + part(FILE) + END,
    "a field before it": part(b'Content-Disposition: form-data; name="x"') + b"\r\n" + part(FILE) + END,
    "a field after it": part(FILE) + b"\r\n" + part(b'Content-Disposition: form-data; name="x"') + END,
    "a text of its name before it": part(b'Content-Disposition: form-data; name="file"') + b"\r\n" + part(FILE) + END,
    "a text of its name after it": part(FILE) + b"\r\n" + part(b'Content-Disposition: form-data; name="file"') + END,
    "another field's file after it": part(FILE) + b"\r\n" + part(FILE.replace(b'"file"', b'"x"')) + END,
    "an input without a file after it": part(FILE) + b"\r\n" + part(FILE.replace(b"a.txt", b""), content=b"") + END,
    "a file far behind it": part(FILE) + b"\r\n" + part(b'Content-Disposition: form-data; name="x"', content=bytes(BEHIND_FILE_BYTES + 99)),
    "bytes after the end": part(FILE) + END + b"--b\r\nepilogue" * 100,
    "nonsense after it": part(FILE) + b"\r\n--b\r\nnonsense",
    "other headers": part(b"X: y", FILE, b"Content-Type: text/plain") + END,
    "padding behind a boundary": part(FILE) + b"\r\n--b  \t\r\n" + FILE + b"\r\n\r\nsecond" + END,
    "names in any case": part(FILE.replace(b"Content-Disposition", b"cOnTeNt-dIsPoSiTiOn")) + END,
}  # fmt: skip


@pytest.mark.parametrize("views", [False, True])
@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize("name", WHOLE)
def test_the_file_is_read(name: str, step: int, *, views: bool) -> None:
    read = Read(WHOLE[name], step=step, views=views)
    assert (read.content, read.form.filename) == (b"content", "a.txt")


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize(
    ("disposition", "filename"),
    [
        (b'form-data; name="file"; filename=""', ""),
        (b"form-data; name=file; filename=a", "a"),
        ('form-data; name="file"; filename="报告.bin"'.encode(), "报告.bin"),
        (b'form-data; name="file"; filename="\xff\xfe"', "��"),
        (b'form-data; name="file"; filename="a\\"b"', 'a"b'),
        (b'form-data; name="file"; filename="a;b"', "a;b"),
        (b'form-data; name="file"; filename="../../etc/passwd"', "../../etc/passwd"),
        (b'form-data; name="file"; filename="a\x00b\nc\td"', "a\x00b\nc\td"),
        (b"form-data; name=\"file\"; filename*=UTF-8''a%0d%0ab", "a\r\nb"),
        (b'form-data; name="file"; filename="b"; filename*=utf-8\'en\'%e2%82%ac', "€"),
        (b"form-data; name=\"file\"; filename*=ISO-8859-1''%e4; filename=b", "ä"),
        (b"form-data; name=\"file\"; filename*=UTF-8''%ff", "\ufffd"),
        (b'form-data; name="file"; filename="a; filename*=UTF-8\'\'b"', "a; filename*=UTF-8''b"),
        (b"form-data; name=\"file\"; filename=a; filename*=KOI8-R''b", "a"),
    ],
)
def test_a_name_is_taken_as_text_and_never_fails(
    disposition: bytes, filename: str, step: int
) -> None:
    read = Read(part(b"Content-Disposition: " + disposition) + END, step=step)
    assert (read.content, read.form.filename) == (b"content", filename)


CONTENT_TYPES: dict[str, Sequence[str]] = {
    "none": (),
    "two": (TYPE, TYPE),
    "empty": ("",),
    "a boundary alone": ("boundary=b",),
    "another type": ("multipart/mixed; boundary=b",),
    "no boundary": ("multipart/form-data",),
    "an empty boundary": ("multipart/form-data; boundary=",),
    "an empty quoted boundary": ('multipart/form-data; boundary=""',),
    "a boundary of spaces": ('multipart/form-data; boundary="  "',),
    "a boundary that ends in a space": ('multipart/form-data; boundary="b "',),
    "a boundary twice": ("multipart/form-data; boundary=b; boundary=c",),
    "a boundary of RFC 2231": ("multipart/form-data; boundary*=UTF-8''b",),
    "a boundary in pieces": ("multipart/form-data; boundary*0=b; boundary*1=c",),
    "a boundary of 71": ("multipart/form-data; boundary=" + "b" * 71,),
    "a boundary of 257": ("multipart/form-data; boundary=" + "b" * 257,),
    "a boundary of 10,000": ("multipart/form-data; boundary=" + "b" * 10_000,),
    "no ASCII": ("multipart/form-data; boundary=b\xfc",),
    "a control character": ('multipart/form-data; boundary="b\x01c"',),
    "a quote that does not end": ('multipart/form-data; boundary="b',),
    "many quotes": ("multipart/form-data; boundary=b" + ';"' * 20_000,),
    "many parameters": ("multipart/form-data" + ";a=b" * 20_000 + "; boundary=b",),
}


@pytest.mark.parametrize("name", CONTENT_TYPES)
def test_a_content_type_that_can_not_be_used_is_refused(name: str) -> None:
    with pytest.raises(ProtocolError):
        Read(part(FILE) + END, CONTENT_TYPES[name])


@pytest.mark.parametrize(
    ("content_type", "line"),
    [
        ('multipart/form-data; boundary="b"', b"--b"),
        ("Multipart/Form-Data; BOUNDARY=b; charset=utf-8", b"--b"),
        ("multipart/form-data;charset=utf-8;boundary=b", b"--b"),
        ("multipart/form-data; boundary=*****", b"--*****"),
        ("multipart/form-data; boundary=" + "b" * 70, b"--" + b"b" * 70),
        ('multipart/form-data; boundary="b:c d"', b"--b:c d"),
    ],
)
def test_boundaries_that_clients_use_are_taken(content_type: str, line: bytes) -> None:
    body = (part(FILE) + END).replace(b"--b", line)
    assert Read(body, (content_type,), step=5).content == b"content"


BROKEN = {
    "nothing": b"",
    "no form": b"no form",
    "a boundary alone": b"--b",
    "the end alone": b"--b--\r\n",
    "another boundary": part(FILE).replace(b"--b", b"--c") + END,
    "a preamble": b"preamble\r\n" + part(FILE) + END,
    "line feeds alone": (part(FILE) + END).replace(b"\r\n", b"\n"),
    "no file": part(b'Content-Disposition: form-data; name="x"') + END,
    "a file of another name": part(b'Content-Disposition: form-data; name="FILE"; filename="a"') + END,
    "a name in the form of RFC 2231": part(b"Content-Disposition: form-data; name*=UTF-8''file") + END,
    "no headers": part() + END,
    "a header without a colon": part(b"nonsense") + END,
    "a header without a name": part(b": x", FILE) + END,
    "a folded header": part(FILE + b";\r\n filename=b") + END,
    "a header twice": part(FILE, FILE.replace(b"a.txt", b"b.txt")) + END,
    "a header that does not end": b"--b\r\n" + b"X" * 100_000,
    "a header of 5 KiB": part(b"X: " + b"y" * 5000, FILE) + END,
    "nine headers": part(*(b"X-%d: y" % number for number in range(8)), FILE) + END,
    "many headers": part(*(b"X-%d: y" % number for number in range(20_000)), FILE) + END,
    "a NUL in a header's name": part(b"X\x00: y", FILE) + END,
    "no end": part(FILE),
    "two files": part(FILE) + b"\r\n" + part(FILE, content=b"second") + END,
    "three parts, two of them files": part(FILE) + b"\r\n" + part(b'Content-Disposition: form-data; name="x"') + b"\r\n" + part(FILE, content=b"") + END,
    "no file was chosen": part(FILE.replace(b"a.txt", b""), content=b"") + END,
    "a part without a name": part(b'Content-Disposition: form-data; name="file"') + END,
    "a name in pieces": part(b"Content-Disposition: form-data; name=\"file\"; filename*0=\"a\"; filename*1*=''b") + END,
    "a broken end": part(FILE) + b"\r\n--b-\r\n",
    "a delimiter at the end": part(FILE) + b"\r\n--b",
    "a delimiter within the content": part(FILE, content=b"1\r\n--bc2") + END,
}  # fmt: skip


@pytest.mark.parametrize("step", [0, 1, 7])
@pytest.mark.parametrize("name", BROKEN)
def test_a_body_that_is_no_form_is_refused(name: str, step: int) -> None:
    with pytest.raises(ProtocolError):
        Read(BROKEN[name], step=step)


FLOODS = {
    "line ends": b"\r\n" * (8 << 20),
    "a field": part(b'Content-Disposition: form-data; name="x"', content=bytes(16 << 20)),
    "parts": (part(b"X: y", content=b"") + b"\r\n") * 1_000_000,
    "padding": part(b"X: y") + b"\r\n--b" + b" " * (16 << 20),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FLOODS)
def test_the_bytes_before_the_file_are_limited(name: str) -> None:
    body, step, taken = FLOODS[name], 1 << 12, 0

    async def receive() -> dict[str, Any]:
        nonlocal taken
        piece = body[taken : taken + step]
        taken += len(piece)
        return {"type": "http.request", "body": piece, "more_body": True}

    form = FormFile(receive, (TYPE,))
    tracemalloc.start()
    try:
        with pytest.raises(ProtocolError):
            asyncio.run(form.begin())
        assert taken <= BEFORE_FILE_BYTES + step
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


TOKENS = st.sampled_from(
    [
        b"--b", b"--b--", b"\r\n", b"\r", b"\n", b"--", b" ", b":", b";", b'"', b"\\", b"\x00", b"\xff", b"=",
        b"Content-Disposition", b"Content-Type", b"form-data", b"name", b"file", b"filename", FILE,
        b"*=UTF-8''", b"*0", b"x" * 5000,
    ]
)  # fmt: skip


@given(
    body=st.lists(TOKENS | st.binary(max_size=20), max_size=40).map(b"".join),
    step=st.integers(0, 9),
    kind=st.just(TYPE)
    | st.builds(
        "{}; {}boundary{}{}".format,
        st.sampled_from(["multipart/form-data", "multipart/mixed", ""]),
        st.text(st.characters(max_codepoint=255), max_size=10),
        st.sampled_from(["=", "*=", " =", ""]),
        st.text(st.characters(max_codepoint=255), max_size=80),
    ),
)
def test_any_body_is_a_file_or_is_refused(body: bytes, step: int, kind: str) -> None:
    with suppress(ProtocolError):
        Read(body, (kind,), step=step)


def test_content_full_of_incomplete_delimiters_costs_no_more() -> None:
    """Such content is the slowest, since the parser examines each of its bytes in Python."""
    content = b"\r\n--\r\n-\r" * 500_000
    assert Read(part(FILE, content=content) + END, step=1 << 16).content == content


@given(
    content=st.lists(st.sampled_from([b"\r", b"\n", b"-", b"b", b"a"]), max_size=60).map(b"".join),
    step=st.integers(0, 9),
    views=st.booleans(),
)
def test_every_content_is_read_unchanged(content: bytes, step: int, *, views: bool) -> None:
    if b"\r\n--b" not in b"\r\n" + content:
        assert Read(part(FILE, content=content) + END, step=step, views=views).content == content
