import pytest

from tusd_py.protocol.host import HostRule

RULE = HostRule(["uploads.example", "[2001:db8::7]", "10.9.8.7", "Upper.Example."])


@pytest.mark.parametrize(
    "authority",
    [
        "localhost", "LOCALHOST:8888", "localhost.", "app.localhost:1", "127.0.0.1", "127.0.0.1:8888",
        "127.9.9.9", "[::1]:8888", "[::ffff:127.0.0.1]", "127.0.0.1:", "127.0.0.1.",
        "uploads.example", "uploads.example.:443", "UPLOADS.example:8888", "upper.example",
        "[2001:DB8::7]:80", "10.9.8.7:8888",
        "192.0.2.1:8888",
    ],
)  # fmt: skip
def test_loopback_names_listed_names_and_the_address_of_the_connection_are_accepted(
    authority: str,
) -> None:
    assert RULE.allows(authority, "192.0.2.1")


@pytest.mark.parametrize(
    "authority",
    [
        "", ":8888", ".", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
        "evillocalhost", "xuploads.example", "uploads.example.evil", "uploads.example..",
        "user@127.0.0.1", "user:pass@localhost", "127.0.0.1@evil.example", "evil.example#localhost",
        "http://localhost", "localhost/", "localhost:8888:1", "localhost:abc", "localhost, evil.example",
        "127.1", "0x7f.0.0.1", "2130706433", "0.0.0.0", "192.0.2.2", "[::]", "[fe80::1%25lo]", "[fe80::1%lo]",
        "[::1", "::1", "[127.0.0.1", "local host", "localhost\x00", "ⓛocalhost",
    ],
)  # fmt: skip
def test_every_other_name_is_refused(authority: str) -> None:
    assert not RULE.allows(authority, "192.0.2.1")


@pytest.mark.parametrize("local", [None, "", "/run/tusd.sock", "testserver"])
def test_the_address_of_the_connection_may_be_unknown(local: str | None) -> None:
    assert RULE.allows("localhost", local)
    assert not RULE.allows("192.0.2.1", local)
    assert not RULE.allows("testserver", local)
