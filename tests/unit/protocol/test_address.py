"""Tests the address under which a client is counted."""

import pytest

from tusd_py.protocol.address import client_address, counted_address
from tusd_py.protocol.fields import Fields


@pytest.mark.parametrize(
    ("peer", "expected"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("127.0.0.1", "127.0.0.1"),
        ("", None),
        ("/run/tusd.sock", None),
        ("192.0.2.7:80", None),
    ],
)
def test_a_client_is_counted_by_address_or_network(peer: str, expected: str | None) -> None:
    assert counted_address(peer) == expected


@pytest.mark.parametrize(
    ("forwarded", "trusted", "expected"),
    [
        (["203.0.113.1"], True, "203.0.113.1"),
        (["203.0.113.1"], False, "192.0.2.7"),
        (["10.9.8.7, 203.0.113.1"], True, "203.0.113.1"),
        (["10.9.8.7", "203.0.113.1"], True, "203.0.113.1"),
        (["unknown"], True, "192.0.2.7"),
        ([], True, "192.0.2.7"),
    ],
)
def test_only_a_trusted_proxy_names_the_client(
    forwarded: list[str], trusted: bool, expected: str
) -> None:
    fields = Fields([(b"x-forwarded-for", value.encode()) for value in forwarded])
    assert client_address(fields, "192.0.2.7", trusted=trusted) == expected
    assert client_address(fields, "", trusted=False) == ""
