"""Every distribution that the product imports is declared, used and locked."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
NOT_IMPORTED = {
    "python-multipart": "Starlette parses forms with it",
    "pyvips-binary": "pyvips loads this libvips",
    "uvloop": "uvicorn takes its loop from it, by name",
    "imageio-ffmpeg": "its program is run",
    "pymysql": "SQLAlchemy imports it, by the name in the URL",
}
"""Declared, and needed without an import statement."""


def name_of(requirement: str) -> str:
    """Return the normalised name of a distribution (PEP 503), without extras and versions."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found is not None, requirement
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def imported(source: str) -> Iterator[str]:
    """Yield the top-level names of the modules that a source imports, wherever it does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


def undeclared(
    modules: Iterable[str], declared: set[str], distributions: Mapping[str, list[str]]
) -> set[str]:
    """Return the modules of neither the standard library, nor the project, nor ``declared``."""
    known = sys.stdlib_module_names | {"tusd_py"}
    return {
        module
        for module in modules
        if module not in known
        and not declared & {name_of(one) for one in distributions.get(module, [])}
    }


@pytest.fixture(scope="module")
def declared() -> set[str]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    optional = [one for group in project["optional-dependencies"].values() for one in group]
    return {name_of(one) for one in (*project["dependencies"], *optional)}


@pytest.fixture(scope="module")
def modules() -> dict[str, set[str]]:
    """Return what each file of the product imports."""
    found = (path for name in ("tusd_py", "worker") for path in (PROJECT / name).rglob("*.py"))
    return {str(path.relative_to(PROJECT)): set(imported(path.read_text())) for path in found}


@pytest.fixture(scope="module")
def distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


def test_everything_that_is_imported_is_declared(
    modules: dict[str, set[str]], declared: set[str], distributions: Mapping[str, list[str]]
) -> None:
    missing = {
        path: names
        for path, found in modules.items()
        if (names := undeclared(found, declared, distributions))
    }
    assert not missing


def test_everything_that_is_declared_is_used(
    modules: dict[str, set[str]], declared: set[str], distributions: Mapping[str, list[str]]
) -> None:
    used = {
        name_of(one)
        for module in set().union(*modules.values())
        for one in distributions.get(module, [])
    }
    assert declared - used - NOT_IMPORTED.keys() == set()


def locked(lock: str) -> dict[tuple[str, str], set[str]]:
    """Return the hashes of each distribution of a lock by its name and version."""
    found: dict[tuple[str, str], set[str]] = {}
    hashes: set[str] = set()
    for line in (PROJECT / lock).read_text().splitlines():
        if pinned := re.match(r"([a-z0-9-]+)==(\S+)", line):
            hashes = found.setdefault((pinned[1], pinned[2]), set())
        elif stated := re.match(r"    --hash=(\S+)", line):
            hashes.add(stated[1])
    return found


def test_the_smaller_locks_have_the_versions_and_hashes_of_the_whole() -> None:
    whole = locked("requirements.lock")
    assert all(whole.values())
    for lock in ("requirements-serve.lock", "requirements-ffmpeg.lock"):
        assert locked(lock).items() <= whole.items()


def test_what_is_served_has_all_that_the_product_declares_and_no_tool(declared: set[str]) -> None:
    served, ffmpeg = (
        {name for name, _ in locked(f"requirements-{kind}.lock")} for kind in ("serve", "ffmpeg")
    )
    assert ffmpeg == {"imageio-ffmpeg"}
    assert declared - served == ffmpeg
    groups = tomllib.loads((PROJECT / "pyproject.toml").read_text())["dependency-groups"]
    tools = {name_of(one) for one in groups["dev"] if isinstance(one, str)}
    assert served & tools <= declared | {"cryptography"}
    assert name_of(groups["build"][0]) in served


def test_an_undeclared_import_is_found() -> None:
    source = "import os\ndef f():\n    from pika.spec import x\n    import yaml\n"
    distributions = {"pika": ["pika"], "yaml": ["PyYAML"]}
    assert undeclared(imported(source), {"pyyaml"}, distributions) == {"pika"}
