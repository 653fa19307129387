import pytest

from tusd_py.protocol.fields import Fields
from tusd_py.protocol.origin import (
    HOST_FIELDS,
    PublicAddress,
    named_hosts,
    own_origins,
    parse_public_url,
    public_origin,
)

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


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"X-Forwarded-Port": "8443"}, "http://up.test:8443"),
        ({"X-Forwarded-Port": "8443, 80"}, "http://up.test:8443"),
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Port": "443"}, "https://up.test"),
        # A proxy behind the one with TLS named its own port.
        ({"X-Forwarded-Proto": "https", "X-Forwarded-Port": "80"}, "https://up.test"),
        ({"X-Forwarded-Host": "out.test", "X-Forwarded-Port": "8443"}, "http://out.test:8443"),
        ({"X-Forwarded-Host": "out.test:9", "X-Forwarded-Port": "8443"}, "http://out.test:9"),
        ({"X-Forwarded-Host": "[::1]", "X-Forwarded-Port": "8443"}, "http://[::1]:8443"),
        ({"Forwarded": "host=out.test", "X-Forwarded-Port": "8443"}, "http://out.test"),
        ({"X-Forwarded-Port": "8443/x"}, "http://up.test"),
        ({"X-Forwarded-Port": "-1"}, "http://up.test"),
    ],
)
def test_a_port_of_a_proxy_belongs_to_a_host_without_one(
    fields: dict[str, str], expected: str
) -> None:
    assert origin({"Host": "up.test", **fields}, trusted=True) == expected


def prefix(text: str, *, trusted: bool = True) -> str:
    fields = Fields([(b"x-forwarded-prefix", text.encode())])
    return PublicAddress(trusted=trusted).prefix_of(fields)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/up", "/up"), ("/up/", "/up"), ("/a/b-c_d.e", "/a/b-c_d.e"), ("/", ""), ("", ""),
        ("/a, /b", "/a/b"), ("/%C3%A4", "/ä"),
    ],
)  # fmt: skip
def test_a_trusted_proxy_names_the_path_that_it_took_away(text: str, expected: str) -> None:
    assert prefix(text) == expected
    assert prefix(text, trusted=False) == ""


@pytest.mark.parametrize(
    "text",
    [
        "up", "//evil.test", "/a//b", "/a,//b", "/../x", "/./x", "/%2e%2e/x", "/a%2F%2Fb", '/"x', "/'x",
        "/<x>", "/a b", "/%22x", "/%0d%0aX:y", "/\\evil.test", "/%5Cevil.test", "/a?b", "/a#b", "https://evil.test/",
    ],
)  # fmt: skip
def test_a_prefix_that_could_lead_elsewhere_is_ignored(text: str) -> None:
    assert prefix(text) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://example.org", ("https://example.org", "")),
        ("https://Example.org:443/", ("https://example.org", "")),
        ("http://example.org:8080/up/loads/", ("http://example.org:8080", "/up/loads")),
        ("http://[::1]:8888", ("http://[::1]:8888", "")),
        ("", ("", "")),
    ],
)
def test_a_public_address_has_an_origin_and_a_path(text: str, expected: tuple[str, str]) -> None:
    assert parse_public_url(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "example.org", "ftp://example.org", "https://", "https://example.org//x", "https://example.org/?a",
        "https://example.org/#a", "https://u:p@example.org", "https://example.org/../x", "https://example.org/'x",
    ],
)  # fmt: skip
def test_what_is_no_public_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no address"):
        parse_public_url(text)


def test_the_address_by_the_setting_goes_before_all_words_of_a_request() -> None:
    address = PublicAddress(trusted=True, origin="https://set.test", path="/up")
    fields = Fields([(b"host", b"in.test"), (b"x-forwarded-host", b"out.test")])
    assert address.origin_of(fields, scheme="http") == "https://set.test"
    own = {"http://out.test", "https://out.test"}
    assert address.own_origins_of(fields, scheme="http") == own | {"https://set.test"}
    unset = PublicAddress(trusted=True)
    assert unset.origin_of(fields, scheme="http") == "http://out.test"
    assert unset.own_origins_of(fields, scheme="http") == own
