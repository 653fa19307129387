import pytest

from tusd_py.protocol.fields import Fields
from tusd_py.protocol.origin import HOST_FIELDS, named_hosts, own_origins, public_origin

DIRECT = {"Host": "uploads.example.test:8443"}


def origin(fields: dict[str, str], *, trusted: bool) -> str | None:
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    return public_origin(Fields(raw), scheme="http", trusted=trusted)


def test_a_direct_client_gets_the_host_of_its_request() -> None:
    assert origin(DIRECT, trusted=False) == "http://uploads.example.test:8443"


@pytest.mark.parametrize("host", ["evil.test/x", "a b", "", "a,b", "user@host", "[::1"])
def test_an_invalid_host_gives_a_relative_address(host: str) -> None:
    assert origin({"Host": host}, trusted=False) is None


@pytest.mark.parametrize(
    "field", ["Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For", "Via"]
)
def test_a_proxy_that_is_not_trusted_makes_the_address_relative(field: str) -> None:
    assert origin({**DIRECT, field: "host=evil.test"}, trusted=False) is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"X-Forwarded-Host": "up.example.test", "X-Forwarded-Proto": "https"}, "https://up.example.test"),
        ({"X-Forwarded-Host": "up.example.test, inner.test"}, "http://up.example.test"),
        ({"X-Forwarded-Host": "up.example.test:443", "X-Forwarded-Proto": "https"}, "https://up.example.test"),
        ({"X-Forwarded-Proto": "javascript"}, "http://uploads.example.test:8443"),
        ({"X-Forwarded-Host": "bad host"}, "http://uploads.example.test:8443"),
        (
            {"Forwarded": 'for=1.2.3.4; Proto=HTTPS ;Host="up.example.test:8443", host=inner'},
            "https://up.example.test:8443",
        ),
        ({"Forwarded": "host=f.test;proto=https", "X-Forwarded-Host": "x.test"}, "https://f.test"),
        ({}, "http://uploads.example.test:8443"),
    ],
)  # fmt: skip
def test_a_trusted_proxy_provides_the_public_address(fields: dict[str, str], expected: str) -> None:
    assert origin({**DIRECT, **fields}, trusted=True) == expected


@pytest.mark.parametrize(
    ("fields", "scheme", "trusted", "expected"),
    [
        (DIRECT, "http", False, {"http://uploads.example.test:8443", "https://uploads.example.test:8443"}),
        ({"Host": "Up.Example:80"}, "http", False, {"http://up.example", "https://up.example:80"}),
        ({"Host": "up.example:443"}, "https", False, {"https://up.example"}),
        ({"Host": "in", "X-Forwarded-Host": "up.example"}, "http", False, {"http://in", "https://in"}),
        ({"Host": "in", "X-Forwarded-Host": "up.example"}, "http", True, {"http://up.example", "https://up.example"}),
        ({"Host": "up.example", "X-Forwarded-Proto": "https"}, "http", True, {"https://up.example"}),
        ({"Host": "up.example", "X-Forwarded-Proto": "http"}, "http", True, {"http://up.example"}),
        ({"Host": "in", "Forwarded": 'host="up.example:8443";proto=https'}, "http", True, {"https://up.example:8443"}),
        ({"Host": "bad host"}, "http", False, set()),
        ({}, "http", True, set()),
    ],
)  # fmt: skip
def test_a_page_of_the_server_may_have_these_origins(
    fields: dict[str, str], scheme: str, trusted: bool, expected: set[str]
) -> None:
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    assert own_origins(Fields(raw), scheme=scheme, trusted=trusted) == expected


def test_every_host_that_a_head_names_is_found() -> None:
    head = [
        (b"host", b"a.example"),
        (b"host", b"b.example"),
        (b"x-forwarded-host", b"c.example, d.example"),
        (b"forwarded", b'for="x;host=no";host=e.example, For=[::1];HOST="f.example:1"'),
        (b"x-forwarded-for", b"g.example"),
    ]
    found = [host.strip() for host in named_hosts(head)]
    assert found == [
        "a.example", "b.example", "c.example", "d.example", "e.example", "f.example:1",
    ]  # fmt: skip
    assert named_hosts([(b"accept", b"*/*")]) == []
    assert named_hosts([field for field in head if field[0] in HOST_FIELDS]) == named_hosts(head)
