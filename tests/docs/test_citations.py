"""Ids that code, tests and documents cite have a row, and the row's tests and modules exist."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest
from support.own_files import ROOT, one_line, own_files

PRODUCT: Final = ("tusd_py", "worker")
LISTS_THEM: Final = {Path(__file__)}
"""Files that hold what must not be elsewhere: planted ids, and patterns of them."""
TABLES: Final = (
    ("requirement", "docs/requirements.md", r"^\| ([SKB]\d+) \|(.*)$"),
    ("fault", "docs/faults.md", r"^\| (\d+) \|(.*)$"),
    ("hole", "docs/holes.md", r"^\| (\d+) \|(.*)$"),
    ("check", "tests/conformance/CHECKLIST.md", r"^\| (C\d+) \|(.*)$"),
    ("check", "tests/conformance/ietf/CHECKLIST.md", r"^\| (I\d+) \|(.*)$"),
)
ID: Final = r"(?:[A-Z]?\d+)"
CITED: Final = re.compile(
    rf"\b(requirement|fault|hole|check|decision)(?:s)? ({ID}(?:(?:, | and | or | to ){ID})*)\b",
    re.I,
)
FORMS: Final = {
    "requirement": r"[SKB]\d+",
    "fault": r"\d+",
    "hole": r"\d+",
    "check": r"[CI]\d+",
    "decision": r"\d+",
}
BARE: Final = re.compile(r"(?<![\w.%\\-])(?!S3\b|W64\b)[SKBHWM]\d{1,2}\b(?![-.]\w)")
"""An id of a requirement, or of a paper that the repository does not have, without its word."""
FOREIGN: Final = re.compile(
    r"\b[Tt]he seed(?:'s)?\b|\bseed's\b|\.\./shared|"
    r"\b(?:JOBS|ARCHITECTURE|REQUIREMENTS|FAULTS|ATTACKS)(?:\.md|,? §|, decision)"
)
NAMED: Final = re.compile(r"`((?:tests|tusd_py|worker|deploy)/[^`\s]+)`")
TESTS: Final = re.compile(r"`(?:tests/[^`\s]*/test_\w+\.py|test_\w+)`")


def rows() -> dict[str, dict[str, str]]:
    """Return the rows of each table by their ids; of decisions the ids alone."""
    found: dict[str, dict[str, str]] = {}
    for word, page, pattern in TABLES:
        text = (ROOT / page).read_text("utf-8")
        found.setdefault(word, {}).update(re.findall(pattern, text, re.MULTILINE))
    records = (ROOT / "docs" / "decisions").glob("[0-9]*.md")
    found["decision"] = {str(int(path.name.partition("-")[0])): "" for path in records}
    return found


def cited(text: str) -> Iterator[tuple[str, str]]:
    """Yield words and ids of citations; a range is all of its ids."""
    for word, ids in CITED.findall(one_line(text)):
        last = ""
        for joint, one in re.findall(rf"(, | and | or | to )?({ID})", ids):
            if re.fullmatch(FORMS[word.lower()], one) is None:
                continue
            if joint == " to " and last:
                letter = one.rstrip("0123456789")
                first, end = (int(text[len(letter) :]) for text in (last, one))
                yield from ((word.lower(), f"{letter}{n}") for n in range(first + 1, end))
            yield word.lower(), one
            last = one


def faults_of(text: str, table: Mapping[str, Mapping[str, str]], *, product: bool) -> list[str]:
    """Return the faults in the citations of a text."""
    wrong = []
    for word, one in cited(text):
        row = table[word].get(one)
        if row is None:
            wrong.append(f"{word} {one} has no row")
        elif product and word in ("requirement", "fault", "hole") and not TESTS.search(row):
            wrong.append(f"{word} {one} is held by no test")
    wrong += [f"{found} is a paper's that is not here" for found in FOREIGN.findall(text)]
    rest = CITED.sub("", one_line(re.sub(r"# noqa:.*|^\| [SKB]\d+ \|", "", text, flags=re.M)))
    return wrong + [f"{found} is cited without its word" for found in BARE.findall(rest)]


def test_every_citation_has_its_row() -> None:
    table = rows()
    wrong = {
        name: found
        for path in own_files()
        if path not in LISTS_THEM
        for name in [str(path.relative_to(ROOT))]
        if (found := faults_of(path.read_text("utf-8"), table, product=name.startswith(PRODUCT)))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "page", sorted({page for _, page, _ in TABLES} | {"docs/field-reports.md"})
)
def test_what_a_row_names_exists(page: str) -> None:
    named = set(NAMED.findall((ROOT / page).read_text("utf-8")))
    assert {name for name in named if not (ROOT / name).exists()} == set()


def test_every_table_has_rows_and_every_row_a_test_or_a_note_without_one() -> None:
    table = rows()
    assert all(len(table[word]) > 10 for word in FORMS)
    for word in ("requirement", "fault", "hole"):
        for one, row in table[word].items():
            assert bool(TESTS.search(row)) != ("| no test" in row), f"{word} {one}"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("The list (requirement S6), check C68, Hole 7; decision 9 and faults 8 and 9.", []),
        ("Bytes in S3 and W64, by h264. # noqa: S608", []),
        ("(requirement S99)", ["requirement S99 has no row"]),
        ("(requirements S6 and K9)", ["requirement K9 has no row"]),
        ("faults 16 to 17, 71", ["fault 17 is held by no test", "fault 71 has no row"]),
        ("see fault\n    # 99", ["fault 99 has no row"]),
        ("hole 19", ["hole 19 has no row"]),
        ("check C999", ["check C999 has no row"]),
        ("checks I50 and I84", ["check I84 has no row"]),
        ("decisions 2 and 999", ["decision 999 has no row"]),
        ("fault 17", ["fault 17 is held by no test"]),
        ("the list (S6)", ["S6 is cited without its word"]),
        ("no page of another site (H2)", ["H2 is cited without its word"]),
        ("as the seed's list has it", ["the seed's is a paper's that is not here"]),
        ("(JOBS §7)", ["JOBS § is a paper's that is not here"]),
        (
            "(ARCHITECTURE, decision 9)",
            ["ARCHITECTURE, decision is a paper's that is not here"],
        ),
    ],
)
def test_a_citation_of_nothing_is_found(text: str, wrong: list[str]) -> None:
    assert faults_of(text, rows(), product=True) == wrong


def test_outside_the_product_a_row_needs_no_test() -> None:
    assert faults_of("fault 17", rows(), product=False) == []
