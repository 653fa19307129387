"""Every fenced block of the documents is run by a test, checked as a whole, or listed with a reason."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from support.own_files import ROOT, own_files
from support.shell_commands import check, commands_of, is_known, script_of
from support.snippets import Snippet, blocks_of, snippets, snippets_of_tests

from tusd_py.settings.sources import load_settings

NOT_RUN: Final[Mapping[tuple[str, str], str]] = {
    ("docs/clients.md", "let client = try TUSClient("): "Swift: it needs a Mac with Xcode",
    ("docs/clients.md", "var request = URLRequest("): "Swift: it needs a Mac with Xcode",
    ("docs/clients.md", "TusClient client ="): "Java: it needs a JDK and packages from Maven",
    ("docs/production.md", "$ mysqldump"): "it needs a second machine",
    ("tests/file_types/README.md", "$ apt-get install"): "it installs some gigabytes of programs",
}
"""Blocks that are not run, by page and beginning, and why."""
SHELL: Final = ("console", "sh")


def is_named(block: Snippet, by: set[tuple[str, str]]) -> bool:
    return any(
        page == block.page and block.text.lstrip().startswith(beginning) for page, beginning in by
    )


def is_checked_as_a_whole(block: Snippet) -> bool:
    """Return whether a test below reads all of it: settings, or commands that can be checked."""
    if block.language in SHELL:
        return all(is_known(command) for command in commands_of(script_of(block)))
    return block.language == "yaml"


def without_a_check(blocks: tuple[Snippet, ...]) -> list[str]:
    """Return the blocks that no test runs or checks."""
    named = snippets_of_tests() | set(NOT_RUN)
    return [
        f"{block.page}: {block.language or 'a block without a language'}: {block.first_line}"
        for block in blocks
        if not (block.language and (is_named(block, named) or is_checked_as_a_whole(block)))
    ]


def test_every_block_is_run_or_checked_or_listed() -> None:
    assert without_a_check(snippets()) == []


def test_every_listed_block_is_there_and_run_by_no_test() -> None:
    for one in NOT_RUN:
        assert sum(is_named(block, {one}) for block in snippets()) == 1, one
    assert not NOT_RUN.keys() & snippets_of_tests()


def test_no_block_is_fenced_in_another_way() -> None:
    for path in own_files():
        if path.suffix == ".md":
            text = path.read_text("utf-8")
            blocks = list(blocks_of("", text))
            assert text.count("```") == 2 * len(blocks), path
            assert "~~~" not in text, path


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("```python\nx = 1\n```\n", ["new.md: python: x = 1"]),
        ("```\nx = 1\n```\n", ["new.md: a block without a language: x = 1"]),
        ("- as\n  ```js\n  x()\n  ```\n", ["new.md: js: x()"]),
        ("```console\n$ tusd-py serve\ntusd-py\n```\n", []),
        ("```console\n$ tusd-py serve | less\n```\n", ["new.md: console: $ tusd-py serve | less"]),
        ("```sh\nx=$(openssl rand 1) tusd-py serve # now\n```\n```yaml\nport: 1\n```\n", []),
    ],
)
def test_a_new_block_needs_a_check(page: str, found: list[str]) -> None:
    assert without_a_check(tuple(blocks_of("new.md", page))) == found


SCRIPTS = [
    block for block in snippets() if block.language in SHELL and not is_named(block, set(NOT_RUN))
]
SETTINGS = [block for block in snippets() if block.language == "yaml"]


@pytest.mark.parametrize("block", SCRIPTS, ids=lambda block: f"{block.page}: {block.first_line}")
def test_the_commands_of_a_block_name_what_exists(block: Snippet) -> None:
    folder = (ROOT / block.page).parent if block.page.startswith("tests/") else ROOT
    for command in commands_of(script_of(block)):
        if is_known(command):
            check(command, folder)


@pytest.mark.parametrize("block", SETTINGS, ids=lambda block: f"{block.page}: {block.first_line}")
def test_the_settings_of_a_block_are_accepted(block: Snippet, tmp_path: Path) -> None:
    file = tmp_path / "tusd.yaml"
    file.write_text(block.text)
    load_settings(file, {}, {})


@pytest.mark.parametrize(
    "command",
    [
        "tusd-py serve --wrokers 2",
        "tusd-py uploda movie.mp4",
        "deploy/local up --server 2 3",
        "make serv",
        "pip install '.[everything]'",
        "apt-get install ffmpeg",
        "cp deploy/env.example deploy/.env",
        "docker compose -f deploy/compose.yaml exec server tusd-py user add anna",
        "docker compose -f deploy/compose.yaml exec server-1 tusd-py user ad anna",
        "kubectl -n tusd-py exec deployment/tusd-py -- tusd-py user add anna",
        "kubectl apply -k deploy/kubernets",
        "systemctl enable --now tusd-py-serve@8888",
    ],
)
def test_a_planted_mistake_is_found(command: str) -> None:
    (words,) = commands_of(command)
    with pytest.raises((AssertionError, SystemExit)):
        check(words)
