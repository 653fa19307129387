import pytest

from tusd_py.protocol.disposition import filename_of


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (b'form-data; name="file"; filename="a.txt"', "a.txt"),
        (b"inline; filename=\"x\"; filename*=UTF-8''a%20%C3%A4.bin", "a ä.bin"),
        (b"inline; filename*=iso-8859-1''%E4", "ä"),
        (b'inline; name="; filename*=UTF-8\'\'no"; filename="yes"', "yes"),
        (b'inline; filename="a\\"; b.txt"; filename*=UTF-8\'\'c.txt', "c.txt"),
        (b"inline; filename=\"a\\\"; filename*=UTF-8''a%5C", "a\\"),
        (b'form-data; filename=""', ""),
        (b"inline", None),
        (b"", None),
    ],
)
def test_the_name_in_the_extended_form_goes_first(text: bytes, name: str | None) -> None:
    assert filename_of(text) == name
