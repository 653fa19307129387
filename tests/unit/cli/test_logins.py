"""Logins are kept in one file that only its owner can read."""

import stat
from pathlib import Path

import pytest

from tusd_py.cli.logins import Login, Logins, UnreadableLogins, logins_file

ONE, OTHER = "https://one.example/files/", "https://other.example/files/"


@pytest.fixture
def logins(tmp_path: Path) -> Logins:
    return Logins(tmp_path / "config" / "tusd-py" / "logins.json")


def test_the_last_login_is_the_default_one(logins: Logins) -> None:
    assert (logins.default(), logins.all()) == (None, [])
    logins.keep(Login(ONE, "first"))
    logins.keep(Login(OTHER, "canary"))
    logins.keep(Login(ONE, "second"))
    assert logins.all() == [Login(ONE, "second"), Login(OTHER, "canary")]
    assert logins.default() == Login(ONE, "second")
    assert logins.forget(ONE)
    assert not logins.forget(ONE)
    assert logins.default() == Login(OTHER, "canary")


def test_a_token_is_that_of_its_endpoint_and_of_no_other(logins: Logins) -> None:
    logins.keep(Login(ONE, "canary"))
    assert logins.token_for(ONE) == "canary"
    for url in (OTHER, "http://one.example/files/", "https://one.example:8443/files/",
                "https://one.example/", "https://one.example/files/x/"):  # fmt: skip
        assert logins.token_for(url) is None


def test_only_the_owner_can_read_the_file(logins: Logins) -> None:
    logins.keep(Login(ONE, "canary"))
    assert stat.S_IMODE(logins.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(logins.file.parent.stat().st_mode) == 0o700
    assert list(logins.file.parent.iterdir()) == [logins.file]
    logins.file.chmod(0o644)
    logins.all()
    assert stat.S_IMODE(logins.file.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"servers": 1}', b'{"servers": [{"url": 1, "token": null}]}',
                b'{"servers": ["a"]}', b"\xff"],
)  # fmt: skip
def test_a_damaged_file_is_reported_and_kept(logins: Logins, content: bytes) -> None:
    logins.file.parent.mkdir(parents=True)
    logins.file.write_bytes(content)
    with pytest.raises(UnreadableLogins):
        logins.keep(Login(ONE))
    assert logins.file.read_bytes() == content


@pytest.mark.parametrize(
    ("config", "folder"), [("", "home/.config"), ("relative", "home/.config"), ("/c", "/c")]
)
def test_the_file_is_where_the_base_directories_say(
    monkeypatch: pytest.MonkeyPatch, config: str, folder: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", config)
    monkeypatch.setenv("HOME", "home")
    assert logins_file() == Path(folder, "tusd-py", "logins.json")
