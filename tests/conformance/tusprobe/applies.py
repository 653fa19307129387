"""Leaves out a check that does not apply to the server under test.

The suite is for any server: not all announce every extension, a maximum or byte ranges, and a run may
lack a setting. All skips of the suite come from here. A run on a given server lists the checks that may
be left out, and fails on any other, as tests/integration/test_conformance.py does with ours.
"""

import os

import pytest


def require(applies: bool, otherwise: str) -> None:
    """Skip the running check unless it ``applies``; ``otherwise`` is the reason."""
    if not applies:
        pytest.skip(otherwise)


def require_environment(item: pytest.Item) -> None:
    """Skip a check whose marker ``needs_env`` names a variable that is not set."""
    for mark in item.iter_markers("needs_env"):
        for name in mark.args:
            require(bool(os.environ.get(name)), f"{name} is not set")
