"""Every text of the commands of users is there in Chinese, and no other one."""

import ast
import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import typer
from support.own_files import ROOT

from tusd_py.cli.main import OPERATOR_COMMANDS, application
from tusd_py.cli.steps import _STEPS
from tusd_py.cli.texts import chinese_texts

COMMANDS: Final = ROOT / "tusd_py" / "cli"
LIBRARY: Final = ROOT / "tusd_py" / "client"
ERRORS: Final = ("Refused", "Unreachable", "TransientFailure", "ValueError")
NOT_SHOWN: Final = {
    "nothing was opened": "a mistake of a caller of the library",
}
"""Sentences of the library that no command shows."""


def constant_text(node: ast.expr) -> str | None:
    """Return a text of a source, with ``{}`` for each value that is put into it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(constant_text(part) or "{}" for part in node.values)
    return None


def first_arguments(path: Path, *names: str) -> Iterator[str]:
    """Yield the texts that are first arguments of calls of functions of these names."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names and node.args:
            found = constant_text(node.args[0])
            if found is not None:
                yield found


def helps(command: Any) -> Iterator[str]:
    yield from (part.replace("\n", " ") for part in command.help.split("\n\n"))
    yield from (parameter.help for parameter in command.params if getattr(parameter, "help", None))


def user_commands() -> dict[str, Any]:
    commands: dict[str, Any] = typer.main.get_command(application()).commands  # type: ignore[attr-defined]
    return {name: one for name, one in commands.items() if name not in OPERATOR_COMMANDS}


def own_texts() -> set[str]:
    found = set(_STEPS.values())
    for path in COMMANDS.glob("*.py"):
        found.update(first_arguments(path, "text"))
    for command in user_commands().values():
        found.update(helps(command))
    return found


def sentences_of_the_library() -> set[str]:
    found: set[str] = set()
    for path in LIBRARY.glob("*.py"):
        found.update(first_arguments(path, *ERRORS))
    return found - NOT_SHOWN.keys()


def test_every_text_of_the_commands_is_there_in_chinese() -> None:
    assert sorted(own_texts() - chinese_texts().keys()) == []


def test_every_sentence_of_the_library_is_there_in_chinese() -> None:
    assert sorted(sentences_of_the_library() - chinese_texts().keys()) == []


def test_each_exemption_is_needed() -> None:
    for sentence in NOT_SHOWN:
        assert any(sentence in path.read_text("utf-8") for path in LIBRARY.glob("*.py"))


def test_a_translation_has_the_fields_of_its_text() -> None:
    def fields(text: str) -> list[str]:
        return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)

    for english, chinese in chinese_texts().items():
        assert fields(english) == fields(chinese), english
        assert any(ord(char) > 0x2E7F for char in chinese), english


def test_no_translation_of_the_commands_is_left_over() -> None:
    sections = json.loads((COMMANDS / "chinese.json").read_text("utf-8"))
    used = own_texts() | helps_of_typer()
    for section in ("commands", "options", "output"):
        assert sorted(sections[section].keys() - used) == []


def helps_of_typer() -> set[str]:
    """Return the texts that Typer adds to each command."""
    return {"Show this message and exit."}
