import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.domain.filenames import download_name, extension_of, numbered, safe_name
from tusd_py.domain.printable import is_hidden


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


NAMES = [
    ("66_multi_audio.mkv", ".mp4", "web", "66_multi_audio.mp4"),
    ("66_multi_audio.mkv", ".mkv", "original", "66_multi_audio.mkv"),
    ("66_multi_audio.mkv", "", None, "66_multi_audio.mkv"),
    ("film.MP4", ".mp4", "web", "film.MP4"),
    ("film.m4v", ".mp4", "web", "film.mp4"),
    ("film.ｍｋｖ", ".mp4", "web", "film.mp4"),
    ("film.avi", ".mp4", "web", "film.mp4"),
    ("photo.heic", ".jpg", "web", "photo.jpg"),
    ("film.mkv", ".jpg", "poster", "film.poster.jpg"),
    ("film.mp4", ".mp4", "hls", "film.hls.mp4"),
    ("film.mkv", ".vtt", "subtitles-1-fra", "film.subtitles-1-fra.vtt"),
    ("picture.png", ".webp", "webp-1280", "picture.webp-1280.webp"),
    ("film", ".mp4", "web", "film.mp4"),
    ("film.", ".mp4", "web", "film.mp4"),
    ("film.mkv ", ".mp4", "web", "film.mp4"),
    ("film.mkv\u200b", ".mp4", "web", "film.mp4"),
    ("Lecture 1.2", ".mp4", "web", "Lecture 1.2.mp4"),
    ("Lecture 1.2", ".jpg", "poster", "Lecture 1.2.poster.jpg"),
    ("x.unknown", ".mp4", "web", "x.unknown.mp4"),
    ("x.insv", ".mp4", "web", "x.mp4"),
    (".mkv", ".mp4", "web", ".mkv.mp4"),
    (".hidden", ".mp4", "web", ".hidden.mp4"),
    ("CON", ".mp4", "web", "CON.mp4"),
    ("CON", ".mp4", "original", "CON"),
    ("", ".mp4", "web", "file.mp4"),
    ("", "", None, "file"),
    ("...", ".mp4", "web", "....mp4"),
    ("gpj\u202e.mkv", ".mp4", "web", "gpj.mp4"),
    ("exe\u202e.fdp", "", None, "exe.fdp"),
    ("../../a\\b.mkv", ".mp4", "web", ".._.._a_b.mp4"),
    ("a\r\nb.mkv", ".mp4", "web", "ab.mp4"),
    ("视频.mkv", ".mp4", "web", "视频.mp4"),
    ("-rf", ".mp4", "web", "-rf.mp4"),
    ("%d_%s%n.mkv", ".mp4", "web", "%d_%s%n.mp4"),
    ("n" * 240 + ".mkv", ".mp4", "web", "n" * 240 + ".mp4"),
    ("n" * 400 + ".mkv", ".mp4", "web", "n" * 251 + ".mp4"),
    ("n" * 400 + ".mkv", ".mkv", "original", "n" * 251 + ".mkv"),
    ("n" * 400, ".jpg", "poster", "n" * 244 + ".poster.jpg"),
    ("odd name ", "", None, "odd name "),
]  # fmt: skip


@pytest.mark.parametrize(("filename", "ext", "rendition", "name"), NAMES)
def test_a_download_has_the_extension_of_its_content(
    filename: str, ext: str, rendition: str | None, name: str
) -> None:
    assert download_name(filename, ext=ext, rendition=rendition) == name


@given(
    st.text(max_size=300),
    st.sampled_from([".mp4", ".jpg", ""]),
    st.sampled_from(["web", "poster", "original", None]),
)
def test_any_name_becomes_a_name_of_one_file(
    filename: str, ext: str, rendition: str | None
) -> None:
    name = download_name(filename, ext=ext, rendition=rendition)
    assert 0 < len(name.encode()) <= 255
    assert not any(map(is_hidden, name))
    assert not {"/", "\\"} & set(name)
    if rendition in ("web", "poster"):
        assert name.lower().endswith(ext)


@pytest.mark.parametrize(
    "name",
    [
        "Screenshot 2026-11-28 at 3.45.12\u202fPM.png",
        "企画書\u3000第二版.pdf",
        "prix\u00a0: 5.txt",
        "می\u200cخواهم.txt",
        "👩\u200d👩\u200d👧.jpg",
        "\u0600٢٣.txt",
        "private \ue000 and new \U0001fae9.txt",
    ],
)
def test_signs_and_spaces_of_every_script_stay(name: str) -> None:
    assert safe_name(name) == name
    assert download_name(name, ext="", rendition=None) == name


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("a\x00b\x1b[2J\x7f\x9b.txt", "ab[2J.txt"),
        ("gpj\u202e\u2066\u200f.exe", "gpj.exe"),
        ("a\u2028b\r\n.txt", "ab.txt"),
        ("lone\udcff.txt", "lone.txt"),
        ("/etc/pass\\wd", "_etc_pass_wd"),
        ("\u202e", ""),
    ],
)
def test_what_hides_or_reorders_is_removed(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.parametrize(
    ("name", "ending"),
    [
        ("视" * 200 + ".mp4", ".mp4"),
        ("é" * 200 + ".tar.gz", ".gz"),
        ("👩" * 100, ""),
        ("x" * 300 + "." + "y" * 30, ""),
    ],
)
def test_a_long_name_is_cut_in_front_of_its_ending(name: str, ending: str) -> None:
    safe = safe_name(name)
    assert 255 - 3 <= len(safe.encode()) <= 255
    assert safe.endswith(ending)
    assert name.startswith(safe.removesuffix(ending))
    assert numbered(safe, 999).endswith(f" (999){ending}")
    assert len(numbered(safe, 999).encode()) <= 255
