import os
from pathlib import Path

from support.clock import FakeClock

from tusd_py.auth.operator_links import COOKIE_SECONDS, LINK_SECONDS, OperatorLinks


def test_a_link_and_a_cookie_expire(tmp_path: Path) -> None:
    clock = FakeClock()
    links = OperatorLinks(tmp_path, clock)
    links.prepare()
    early, late, cookie = links.new_key(), links.new_key(), links.new_cookie()
    clock.advance(min(LINK_SECONDS, COOKIE_SECONDS) - 2)
    assert links.use_key(early)
    assert links.is_cookie(cookie)
    clock.advance(4)
    assert not links.use_key(late)
    assert not links.is_cookie(cookie)


def test_links_that_were_never_used_are_removed(tmp_path: Path) -> None:
    clock = FakeClock()
    links = OperatorLinks(tmp_path, clock)
    links.new_key()
    (old,) = links.directory.glob("link-*")
    os.utime(old, (clock.now(), clock.now()))
    clock.advance(LINK_SECONDS + 1)
    links.new_key()
    assert not old.exists()


def test_servers_with_one_directory_accept_each_others_cookies_and_others_do_not(
    tmp_path: Path,
) -> None:
    clock = FakeClock()
    (tmp_path / "shared").mkdir()
    (tmp_path / "other").mkdir()
    first, second = (OperatorLinks(tmp_path / "shared", clock) for _ in range(2))
    other = OperatorLinks(tmp_path / "other", clock)
    for links in (first, second, other):
        links.prepare()
    assert second.is_cookie(first.new_cookie())
    assert second.cookie_name() == first.cookie_name() != other.cookie_name()
    assert not other.is_cookie(first.new_cookie())
    key = first.new_key()
    assert not other.use_key(key)
    assert second.use_key(key)
    assert not first.use_key(key)


def test_the_key_files_are_private_under_any_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        links = OperatorLinks(tmp_path, FakeClock())
        links.prepare()
        links.new_key()
    finally:
        os.umask(before)
    assert links.directory.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in links.directory.iterdir()} == {0o600}
