import pytest

from tusd_py.protocol.fields import Fields
from tusd_py.protocol.origin import public_origin

DIRECT = {"Host": "uploads.example.test:8443"}


def origin(fields: dict[str, str], *, trusted: bool) -> str | None:
    raw = [(name.encode(), value.encode()) for name, value in fields.items()]
    return public_origin(Fields(raw), scheme="http", trusted=trusted)


def test_a_direct_client_gets_back_the_host_it_asked_for() -> None:
    assert origin(DIRECT, trusted=False) == "http://uploads.example.test:8443"


@pytest.mark.parametrize("host", ["evil.test/x", "a b", "", "a,b", "user@host", "[::1"])
def test_a_host_that_is_none_gives_a_relative_address(host: str) -> None:
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
def test_a_trusted_proxy_tells_the_public_address(fields: dict[str, str], expected: str) -> None:
    assert origin({**DIRECT, **fields}, trusted=True) == expected
