import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.domain.other_types import by_media_type
from tusd_py.domain.signatures.libmagic import media_type


def test_the_rules_of_libmagic_name_a_content() -> None:
    assert media_type(b"\xef\xbb\xbf%PDF-1.7\n\xc3\xa4\n" + bytes(84)) == "application/pdf"
    assert media_type(bytes(100)) == "application/octet-stream"


def test_rules_that_nest_too_deeply_are_no_error() -> None:
    preview = b"\xc5\xd0\xd3\xc6\x1e\0\0\0\x20" + bytes(19) + b"\xff\xff"
    assert by_media_type(media_type(preview + b" " * 65_000)) is None


@given(st.binary(max_size=3000))
def test_any_bytes_are_named_without_an_error(head: bytes) -> None:
    media_type(head)


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_of_no_known_type(seed: int) -> None:
    noise = random.Random(seed)
    found = {by_media_type(media_type(noise.randbytes(2000))) for _ in range(500)}
    assert found == {None}
