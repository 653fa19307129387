import pytest

from tusd_py.domain.filenames import extension_of


@pytest.mark.parametrize(
    ("name", "ext"),
    [
        ("a.MP4", "mp4"),
        ("a.tar.gz", "gz"),
        ("a", ""),
        ("a.", ""),
        ("a.m p4", ""),
        ("a.ｍｐ4", "mp4"),
        (".mp4", "mp4"),
        ("a.mp4/..", ""),
    ],
)
def test_the_last_dot_decides_the_extension(name: str, ext: str) -> None:
    assert extension_of(name) == ext
