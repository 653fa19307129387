"""The commands in the blocks of the documents, and whether the repository has what they name."""

import re
import shlex
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import typer
from support.deploy_files import COMPOSE, DEPLOY, compose, environment, manifests
from support.own_files import ROOT
from support.snippets import Snippet
from topology.__main__ import command_parser

from tusd_py.cli.main import application

WRONG_USAGE: Final = typer.BadParameter.__mro__[1]
"""The error of every wrong option or argument, which Typer does not export."""
_SEPARATORS: Final = frozenset("();<>|&")
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
_SECRETS: Final = dict.fromkeys(
    ("TUSD_AUTH__ACCESS_SECRET", "MYSQL_PASSWORD", "MYSQL_ROOT_PASSWORD",
     "TUSD_REDIS__PASSWORD", "TUSD_RABBITMQ__PASSWORD"), "x",
)  # fmt: skip


def script_of(block: Snippet) -> str:
    """Return what a user types: all of a script, the lines after a prompt of a console."""
    if block.language == "sh":
        return block.text
    typed, goes_on = [], False
    for line in block.text.splitlines():
        if line.startswith("$ ") or goes_on:
            typed.append(line.removeprefix("$ "))
            goes_on = line.endswith("\\")
    return "\n".join(typed)


def commands_of(script: str) -> Iterator[list[str]]:
    """Yield the words of each simple command, without the variables that are set before it."""
    for line in script.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= _SEPARATORS:
                command = _without_assignments(words)
                if command:
                    yield command
                words = []
            else:
                words.append(word)


def _without_assignments(words: Sequence[str]) -> list[str]:
    rest = list(words)
    while rest and (_ASSIGNMENT.match(rest[0]) or rest[0] == "export"):
        rest.pop(0)
    return rest


def is_known(command: Sequence[str]) -> bool:
    """Return whether there is a check for the command's program."""
    return _name(command) in _CHECKS


def check(command: Sequence[str], folder: Path = ROOT) -> None:
    """Check that a command names what exists: files, units, services, options of our own programs.

    Args: folder: the one in which a user types it.
    Raises: AssertionError, SystemExit: the command is wrong.
    """
    _CHECKS[_name(command)](command[1:], folder)


def _name(command: Sequence[str]) -> str:
    return command[0] if command[0] == "deploy/local" else Path(command[0]).name


def _tusd_py(words: Sequence[str], _: Path) -> None:
    command = typer.main.get_command(application())
    rest = list(words)
    while found := getattr(command, "commands", {}).get(rest[0] if rest else ""):
        command = found
        rest.pop(0)
    assert not hasattr(command, "commands"), f"{rest} names no command"
    try:
        command.make_context("tusd-py", rest)
    except WRONG_USAGE as error:
        raise AssertionError(f"{words}: {error}") from error


def _local(words: Sequence[str], _: Path) -> None:
    command_parser().parse_args(list(words))


def _make(words: Sequence[str], _: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(words) <= set(targets)


def _pip(words: Sequence[str], folder: Path) -> None:
    """Check ``pip install`` and ``pip wheel``: extras and files of requirements."""
    assert words[0] in ("install", "wheel")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for word in words[1:]:
        extras = re.search(r"\[([a-z0-9,]+)\]", word)
        assert set(extras[1].split(",") if extras else ()) <= set(project["optional-dependencies"])
        assert not word.endswith(".txt") or (folder / word).is_file(), word
        wheel = f"tusd_py-{project['version']}-py3-none-any.whl"
        assert ".whl" not in word or wheel in word, word


def _apt_get(words: Sequence[str], _: Path) -> None:
    served = (DEPLOY / "packages" / "serve.txt").read_text("utf-8").split()
    assert set(served) <= set(words)


def _copy(words: Sequence[str], folder: Path) -> None:
    """Check the sources of ``cp`` and ``install``."""
    paths = [word for word in words if not re.fullmatch(r"-.*|0[0-7]{3}", word)]
    *sources, _target = paths
    for source in sources:
        assert any(folder.glob(source)), source


def _docker(words: Sequence[str], folder: Path) -> None:
    """Check ``docker compose -f FILE``: its services, and a command of ours within one."""
    compose_word, flag, file, verb, *rest = words
    assert (compose_word, flag, folder / file) == ("compose", "-f", COMPOSE)
    assert verb in ("up", "exec")
    names = [word for word in rest if not word.startswith("-")]
    services = compose({**environment(DEPLOY / ".env.example"), **_SECRETS})["services"]
    if names:
        assert names[0] in services
    if names[1:2] == ["tusd-py"]:
        check(names[1:] + [word for word in rest if word.startswith("--")], folder)


def _kubectl(words: Sequence[str], folder: Path) -> None:
    if "exec" in words:
        at = words.index("--")
        kind, _, name = words[at - 1].partition("/")
        assert kind == "deployment"
        assert name in {one["metadata"]["name"] for one in manifests("Deployment")}
        check(words[at + 1 :], folder)
    else:
        paths = [path for flag, path in pairwise(words) if flag in ("-f", "-k")]
        assert words[0] == "apply"
        # The secret is the copy of its example that the line before makes.
        assert all((folder / path).exists() for path in paths if path != "secret.yaml")


def _systemd_run(words: Sequence[str], folder: Path) -> None:
    at = next(at for at, word in enumerate(words) if not word.startswith("-"))
    check(words[at:], folder)


def _systemctl(words: Sequence[str], _: Path) -> None:
    if words == ["daemon-reload"]:
        return
    enables = words[:2] == ["enable", "--now"]
    assert enables or words[0] == "restart"
    for unit in words[2 if enables else 1 :]:
        template = re.sub(r"@.+", "@", unit)
        file = template if "." in template else f"{template}.service"
        assert (DEPLOY / "systemd" / file).is_file(), unit


def _anything(_: Sequence[str], _folder: Path) -> None:
    """Accept a program that is not ours and names nothing of ours."""


_CHECKS: Final[Mapping[str, Callable[[Sequence[str], Path], None]]] = {
    "tusd-py": _tusd_py,
    "deploy/local": _local,
    "make": _make,
    "pip": _pip,
    "apt-get": _apt_get,
    "cp": _copy,
    "install": _copy,
    "docker": _docker,
    "kubectl": _kubectl,
    "systemd-run": _systemd_run,
    "systemctl": _systemctl,
    **dict.fromkeys(("chmod", "openssl", "pytest", "python3", "systemd-sysusers"), _anything),
}
