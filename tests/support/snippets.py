"""The fenced blocks of the documents, for the tests that run or check them."""

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import dedent
from typing import Any, Final

from support.own_files import ROOT, own_files

_FENCE: Final = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """One block; ``page`` is relative to the repository."""

    page: str
    language: str
    text: str

    @property
    def first_line(self) -> str:
        return self.text.partition("\n")[0]

    @property
    def printed(self) -> str:
        """Return the lines of a console after the first command."""
        return self.text.partition("\n")[2]

    def at(self, url: str) -> str:
        """Return the text with the address of a server in place of the one that pages name."""
        return re.sub(r"http://(?:host|127\.0\.0\.1):8888", url, self.text)


def matches(expected: str, got: str) -> bool:
    """Compare line by line; ``...`` stands for any text in a line and, alone, for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*?") + r" *\n"
        for line in expected.splitlines()
    )
    return re.fullmatch(pattern + r"(?:.*\n)*?", got) is not None


def blocks_of(page: str, text: str) -> Iterator[Snippet]:
    """Yield the blocks of a page."""
    for _, language, block in _FENCE.findall(text):
        yield Snippet(page, language.strip(), dedent(block))


@cache
def snippets() -> tuple[Snippet, ...]:
    """Return the blocks of all documents."""
    pages = sorted({path for path in own_files() if path.suffix == ".md"})
    return tuple(
        block
        for path in pages
        for block in blocks_of(path.relative_to(ROOT).as_posix(), path.read_text("utf-8"))
    )


def snippet(page: str, beginning: str) -> Snippet:
    """Return the block of a page that begins with a text.

    Write both arguments as literals: ``tests/docs/test_snippets.py`` reads from the sources of the
    tests which blocks they run.
    """
    found = [
        one for one in snippets() if one.page == page and one.text.lstrip().startswith(beginning)
    ]
    assert len(found) == 1, f"{len(found)} blocks of {page} begin with {beginning!r}"
    return found[0]


def snippets_of_tests() -> set[tuple[str, str]]:
    """Return the arguments of each call of ``snippet`` in the tests."""
    calls = (
        node
        for path in (ROOT / "tests").rglob("test_*.py")
        if "node_modules" not in path.parts and "snippet(" in (text := path.read_text("utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "snippet"
    )
    return {(_literal(call.args[0]), _literal(call.args[1])) for call in calls}


def _literal(node: ast.expr) -> str:
    assert isinstance(node, ast.Constant), f"line {node.lineno}: {ast.unparse(node)} is no literal"
    return str(node.value)


def run_python(block: Snippet, **names: Any) -> dict[str, Any]:
    """Run a block with names that its page takes as given, and return all names."""
    names["__name__"] = block.page
    exec(compile(block.text, block.page, "exec"), names)
    return names


_PROCESS: Final = """\
import ast, asyncio, inspect, json, sys

page, code, names = json.loads(sys.argv[1])
ended = eval(compile(code, page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
if inspect.iscoroutine(ended):
    asyncio.run(ended)
"""


def python_process(
    *blocks: Snippet, at: str, folder: Path, sent: bytes = b"", **names: object
) -> str:
    """Run blocks one after the other in a process, and return what they print.

    Args: at: the address of the server; folder: the current one; sent: standard input; names: what
    the page takes as given. ``await`` outside of a function is as in a notebook.
    """
    given = [blocks[0].page, "\n".join(block.at(at) for block in blocks), names]
    done = subprocess.run(
        [sys.executable, "-c", _PROCESS, json.dumps(given)],
        input=sent, cwd=folder, env={**os.environ, "XDG_STATE_HOME": str(folder / "state")},
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()
