"""A token that others may read on its way is announced before it is sent."""

import io
import sys
from pathlib import Path

import pytest

from tusd_py.cli import login as command

PLAIN = "tusd-py: the token is sent without encryption: the address is not https\n"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://one.example/files/", ""),
        ("http://localhost:8888/files/", ""),
        ("http://127.0.0.1:8888/files/", ""),
        ("http://[::1]:8888/files/", ""),
        ("http://one.example/files/", PLAIN),
        # It begins as an address of this machine does.
        ("http://127.0.0.1.one.example/files/", PLAIN),
    ],
)
def test_a_warning_comes_before_the_token_is_sent(
    url: str,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.StringIO("canary\n"))
    monkeypatch.setattr(command, "_endpoint_of", lambda url, _: url)
    said_before: list[str] = []
    monkeypatch.setattr(command, "_check", lambda *_: said_before.append(capsys.readouterr().err))
    command.login(url, with_token=True)
    assert said_before == [said]
