import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.domain.other_types import by_media_type
from tusd_py.domain.signatures import libmagic
from tusd_py.domain.signatures.libmagic import media_type


def test_the_rules_of_libmagic_name_a_content() -> None:
    assert media_type(b"\xef\xbb\xbf%PDF-1.7\n\xc3\xa4\n" + bytes(84)) == "application/pdf"
    assert media_type(bytes(100)) == "application/octet-stream"


def test_rules_that_nest_too_deeply_are_no_error() -> None:
    preview = b"\xc5\xd0\xd3\xc6\x1e\0\0\0\x20" + bytes(19) + b"\xff\xff"
    assert by_media_type(media_type(preview + b" " * 65_000)) is None


@pytest.mark.parametrize("error", [ValueError, type("PanicException", (BaseException,), {})])
def test_an_error_of_the_library_means_that_nothing_is_known(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    monkeypatch.setattr(libmagic, "_database", lambda: _Failing(error))
    assert media_type(b"head") == ""


def test_an_interruption_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libmagic, "_database", lambda: _Failing(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        media_type(b"head")


class _Failing:
    def __init__(self, error: type[BaseException]) -> None:
        self._error = error

    def first_magic_buffer(self, head: bytes) -> None:
        raise self._error


@given(st.binary(max_size=3000))
def test_any_bytes_are_named_without_an_error(head: bytes) -> None:
    media_type(head)


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_of_no_known_type(seed: int) -> None:
    noise = random.Random(seed)
    found = {by_media_type(media_type(noise.randbytes(2000))) for _ in range(500)}
    assert found == {None}
