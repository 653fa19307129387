"""Tests the tokens, cookies and tags of shares."""

import base64

import pytest
from support.clock import FakeClock

from tusd_py.auth.share_tokens import ShareTokens
from tusd_py.domain.ids import ShareId, UploadId, UserId
from tusd_py.domain.share import Share

SECRET = b"a secret of the server, of 32 bytes or more"
HASH = "b" * 64


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def tokens(clock: FakeClock) -> ShareTokens:
    return ShareTokens(SECRET, clock)


def share(share_id: ShareId, password_hash: str = "x") -> Share:
    return Share(
        id=share_id, user_id=UserId(1), upload_id=UploadId("0" * 32),
        downloads=None, password_hash=password_hash,
    )  # fmt: skip


def test_a_token_is_read_by_servers_with_the_secret(tokens: ShareTokens, clock: FakeClock) -> None:
    share_id = tokens.new_id()
    token = tokens.token(share_id)
    assert tokens.read(token) == share_id
    assert ShareTokens(SECRET, clock).token(share_id) == token
    assert ShareTokens(b"another secret", clock).read(token) is None
    assert tokens.new_id() != share_id


def test_no_bit_of_a_token_can_be_another(tokens: ShareTokens) -> None:
    token = tokens.token(tokens.new_id())
    raw = base64.urlsafe_b64decode(token)
    assert len(raw) == 30
    for bit in range(len(raw) * 8):
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        assert tokens.read(base64.urlsafe_b64encode(changed).decode()) is None
    for text in ("", token[:-1], f"{token}A", f"{token}\n", f" {token[1:]}", "é" * 40, "=" * 40):
        assert tokens.read(text) is None


def test_the_cookie_of_a_password_is_for_its_share_and_a_time(
    tokens: ShareTokens, clock: FakeClock
) -> None:
    one, other = share(tokens.new_id()), share(tokens.new_id())
    value = tokens.opened(one, 60.0)
    assert tokens.is_opened(one, value)
    for wrong in (other, share(one.id, "another password")):
        assert not tokens.is_opened(wrong, value)
    end, _, mac = value.partition(".")
    later = f"{int(end, 16) + 60:x}.{mac}"
    for forged in ("", later, f"{end}.{'0' * 32}", f"{value}0", "é"):
        assert not tokens.is_opened(one, forged)
    clock.advance(61)
    assert not tokens.is_opened(one, value)


def test_nothing_that_identifies_a_receiver_is_kept(tokens: ShareTokens) -> None:
    share_id = tokens.new_id()
    cookie = tokens.new_cookie()
    assert tokens.is_cookie(cookie)
    assert not tokens.is_cookie(f"{cookie}x")
    assert not tokens.is_cookie("")
    found = tokens.receiver(share_id, cookie, "192.0.2.1 \udcff")
    assert found == tokens.receiver(share_id, cookie, "192.0.2.1 \udcff")
    assert found.key != found.client
    assert cookie not in found.key
    assert found.key != tokens.receiver(tokens.new_id(), cookie, "").key
    assert tokens.receiver(share_id, cookie, "").client == ""
    assert len(found.key) == len(found.client) == 32


def test_a_tag_shows_no_hash(tokens: ShareTokens) -> None:
    one, other = tokens.new_id(), tokens.new_id()
    assert tokens.tag(one, HASH) == tokens.tag(one, HASH)
    assert tokens.tag(one, HASH) not in HASH
    assert len({tokens.tag(one, HASH), tokens.tag(other, HASH), tokens.tag(one, "c" * 64)}) == 3
