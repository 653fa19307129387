"""Names what a test needs of the machine: programs, packages of node, rights.

A developer's machine may lack a part, and the test is skipped there with the way to get it. In CI a
skip is a failure (``tests/conftest.py``), so that no part can be missing there without notice. All
skips of tests outside of ``tests/conformance`` come from here.
"""

import os
import shutil
from pathlib import Path
from typing import Final

import pytest

NODE: Final = Path(__file__).parents[1] / "node"
PACKAGES: Final = "see deploy/packages/test.txt"
NODE_PACKAGES: Final = "see tests/node/install.sh"


def require(present: bool, missing: str) -> None:
    """Skip the running test if a part is not ``present``; ``missing`` says what, and how to get it."""
    if not present:
        pytest.skip(missing)


def require_program(name: str, how: str = PACKAGES) -> None:
    """Skip the running test if a program is not installed."""
    require(shutil.which(name) is not None, f"{name} is not installed: {how}")


def require_node(package: str) -> None:
    """Skip the running test if node or one of its packages is not installed."""
    require_program("node", NODE_PACKAGES)
    installed = (NODE / "node_modules" / package).exists()
    require(installed, f"{package} is not installed: {NODE_PACKAGES}")


def needs_programs(*names: str) -> pytest.MarkDecorator:
    """Return the mark of a test that needs programs."""
    missing = [name for name in names if shutil.which(name) is None]
    reason = f"{', '.join(missing)}: not installed: {PACKAGES}"
    return pytest.mark.skipif(bool(missing), reason=reason)


def needs_root(what: str) -> pytest.MarkDecorator:
    """Return the mark of a test that needs root for ``what``."""
    return pytest.mark.skipif(os.geteuid() != 0, reason=f"needs root: {what}")
