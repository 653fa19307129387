"""Tests below ``unit`` and ``contract`` are in the folders, and have the names, of what they test."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest
from support.own_files import ROOT

TESTED: Final = (ROOT / "tusd_py", ROOT, ROOT / "tests")
"""``unit/catalog/test_jobs.py`` tests ``tusd_py/catalog/jobs.py``, ``unit/worker`` is ``worker``."""
WITHOUT_A_MODULE: Final[Mapping[str, str]] = {
    "contract/catalog/test_renditions.py": "renditions are rows in the care of jobs and objects",
    "unit/client/test_waiting.py": "both clients wait alike",
    "unit/deploy/test_identity.py": "what all ways of deploying have in common",
    "unit/deploy/test_names.py": "what all ways of deploying have in common",
    "unit/test_dependencies.py": "the project as a whole",
    "unit/test_import_contracts.py": "the project as a whole",
    "unit/test_mirror.py": "the project as a whole",
    "unit/test_scripts.py": "the project as a whole",
    "unit/test_words.py": "the project as a whole",
    "unit/uploads/test_completeness.py": "what every use case promises",
    "unit/uploads/test_long_work.py": "what every use case promises",
    "unit/uploads/test_state_under_the_lock.py": "what every use case promises",
}
"""Kinds of tests, and why they have no module."""


def has_subject(test: str) -> bool:
    """Return whether a module, package or file of this name exists.

    The folder of a test may be named by a module too: it then has several files on this one.
    """
    path = Path(test)
    folder, name = Path(*path.parts[1:-1]), path.stem.removeprefix("test_")
    return any(
        (root / folder / name).is_dir()
        or any((root / folder).glob(f"{name}.*"))
        or (root / folder).with_suffix(".py").is_file()
        for root in TESTED
    )


def names() -> list[str]:
    kinds = (ROOT / "tests" / "unit", ROOT / "tests" / "contract")
    paths = sorted(path for kind in kinds for path in kind.rglob("test_*.py"))
    return [path.relative_to(ROOT / "tests").as_posix() for path in paths]


def test_every_file_is_named_by_what_it_tests() -> None:
    assert {name for name in names() if not has_subject(name)} == WITHOUT_A_MODULE.keys()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("unit/storage/test_checksums.py", True),
        ("unit/worker/media/test_plan.py", True),
        ("unit/support/oss/test_server.py", True),
        ("unit/ingest/uvicorn_protocol/test_any.py", True),
        ("contract/jobs/test_queue.py", True),
        ("unit/deploy/test_compose.py", True),
        ("unit/storage/test_checksum.py", False),
        ("unit/checksums/test_checksums.py", False),
        ("unit/test_checksums.py", False),
    ],
)
def test_a_planted_name_is_judged(name: str, expected: bool) -> None:
    assert has_subject(name) is expected
