"""Tests what commands print of an unexpected error."""

import sys

import pytest

from tusd_py.cli.output import say_traceback

SECRET = "canary-7f3a"


def test_a_traceback_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(f"https://u:{SECRET}@host/\x1b[31m")
    except ValueError:
        say_traceback(*sys.exc_info())  # type: ignore[arg-type]
    written = capsys.readouterr().err
    assert "ValueError: https://********@host" in written
    assert SECRET not in written
    assert "\x1b" not in written
