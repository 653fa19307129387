"""Lists the project's own text files, and reads them for tests of words and citations."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = ("tusd_py", "worker", "deploy", "docs", "tests", ".github")
SUFFIXES: Final = {
    ".conf", ".go", ".js", ".lua", ".md", ".mjs", ".py", ".service", ".sh", ".toml", ".ts", ".txt",
    ".yaml", ".yml",
}  # fmt: skip
PASSED_OVER: Final = {"built", "node_modules", "corpus", "__pycache__", ".venv", "peers"}
AT_THE_TOP: Final = (
    "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "Makefile", "pyproject.toml",
)  # fmt: skip


def own_files() -> Iterator[Path]:
    """Yield the text files of the project; what is built or installed is passed over."""
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            inside = path.relative_to(ROOT).parts
            if path.suffix in SUFFIXES and not PASSED_OVER & set(inside):
                yield path
    yield from (ROOT / name for name in AT_THE_TOP)


def one_line(text: str) -> str:
    """Return the text without line ends and without the marks of comments after them."""
    return re.sub(r"\s*\n\s*(?:#+|--|//|\*)?[ \t]*", " ", text)
