"""The path that a client sends with a file is a user's word, of which a safe path is made."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.domain.relative_path import MAX_BYTES, MAX_PARTS, safe_path


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("photos/a.jpg", "photos/a.jpg"),
        ("/photos/2024/a.jpg", "photos/2024/a.jpg"),
        ("photos\\2024\\a.jpg", "photos/2024/a.jpg"),
        ("photos//./a.jpg", "photos/a.jpg"),
        (".config/.env", ".config/.env"),
        (unicodedata.normalize("NFD", "Bücher/é.txt"), "Bücher/é.txt"),
        ("照片/日本 1.jpg", "照片/日本 1.jpg"),
        ("a:b/wh?t*.txt", "a_b/wh_t_.txt"),
        ("photos. /NUL.txt", "photos/_NUL.txt"),
        ("aux/COM1/x", "_aux/_COM1/x"),
        ("in/\x1b[2Jgood\u202etxt.exe", "in/[2Jgoodtxt.exe"),
        ("in\n/a\x00b", "in/ab"),
    ],
)
def test_a_path_is_made_of_names_that_every_system_accepts(sent: str, expected: str) -> None:
    assert safe_path(sent) == expected


@pytest.mark.parametrize(
    "sent",
    [
        "", "null", "a.txt", "/a.txt", "a.txt/", "../../etc/passwd", "in/../../x", "in/..", "..\\x\\y",
        "in/.. /x", "in/..\u200e/x", "in/\x00/x", "C:\\Windows\\x", "/".join("a" * (MAX_PARTS + 1)),
        f"in/{'a' * 250}/{'b' * 250}/{'c' * 250}/{'d' * 250}/{'e' * 250}", "\ud800/..",
    ],
)  # fmt: skip
def test_what_names_no_folder_or_is_not_safe_is_no_path(sent: str) -> None:
    assert safe_path(sent) == ""


@given(st.text(st.sampled_from("a.\\/:\x00\u202e~ éC𝒳\ud800") | st.characters(), max_size=60))
def test_no_text_leads_out_of_a_folder(sent: str) -> None:
    path = safe_path(sent)
    parts = path.split("/") if path else []
    assert safe_path(path) == path, "it is stable"
    assert len(parts) != 1
    assert not {"", ".", ".."} & set(parts)
    assert not any(character in path for character in '\\:<>"|?*')
    assert not any(unicodedata.category(character) in ("Cc", "Cs") for character in path)
    assert len(path.encode()) <= MAX_BYTES
    assert unicodedata.is_normalized("NFC", path)
