"""Names of an archive's files: none is written over another one, whatever system unpacks it."""

import tracemalloc
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.domain import archive_names
from tusd_py.domain.archive_names import unique_paths
from tusd_py.domain.filenames import MAX_NAME_BYTES, numbered


def test_equal_names_get_numbers() -> None:
    paths = ["a.txt", "in/a.txt", "a.txt", "A.TXT", "in/a.txt", "a (1).txt", "README", "readme"]
    assert unique_paths(paths) == [
        "a.txt", "in/a.txt", "a (1).txt", "A (2).TXT", "in/a (1).txt", "a (1) (1).txt", "README", "readme (1)",
    ]  # fmt: skip


def test_a_file_is_not_called_as_a_folder() -> None:
    assert unique_paths(["in/x", "in/X/a.txt", "IN"]) == ["in/x (1)", "in/X/a.txt", "IN (1)"]


def test_thousands_of_equal_names_are_numbered() -> None:
    found = unique_paths(["a.txt"] * 5000)
    assert (found[4999], len(set(found))) == ("a (4999).txt", 5000)


@pytest.mark.parametrize(
    "names",
    [
        # Names that count as equal, and names that are equal where they are cut for a number.
        ["".join(letters) for letters in product("aA", repeat=10)],
        [f"{'n' * (MAX_NAME_BYTES - 2)}{number:02}" for number in range(99)] * 2,
    ],
    ids=["letters", "cut"],
)
def test_names_that_collide_are_not_all_tried(
    names: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = []

    def counted(name: str, number: int) -> str:
        tried.append(name)
        return numbered(name, number)

    monkeypatch.setattr(archive_names, "numbered", counted)
    found = unique_paths(names)
    assert len({name.casefold() for name in found}) == len(names)
    assert len(tried) < 4 * len(names)


def test_the_folders_of_deep_paths_are_not_held() -> None:
    paths = [f"{number:04}{'/abcdefghijklmno' * 60}/a.txt" for number in range(500)]
    tracemalloc.start()
    try:
        assert unique_paths(paths) == paths
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5 * sum(map(len, paths))


def test_a_long_name_stays_within_its_limit() -> None:
    _, second = unique_paths([f"{'n' * 251}.txt"] * 2)
    assert (len(second.encode()), second[-8:]) == (MAX_NAME_BYTES, " (1).txt")


@given(
    st.lists(
        st.text("aAx/", min_size=1).map(lambda text: "/".join(filter(None, text.split("/"))) or "a")
    )
)
def test_all_are_different_from_each_other_and_from_folders(paths: list[str]) -> None:
    found = [path.casefold() for path in unique_paths(paths)]
    assert len(set(found)) == len(found)
    folders = {path[:place] for path in found for place, letter in enumerate(path) if letter == "/"}
    assert not folders & set(found)
