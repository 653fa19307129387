"""Tests to which addresses a client goes."""

import pytest

from tusd_py.client.errors import Refused
from tusd_py.client.origin import (
    MAX_ADDRESS,
    OriginHeaders,
    checked_endpoint,
    redirected_address,
    same_origin,
    upload_address,
)

ENDPOINT = "https://a.example/files/"


@pytest.mark.parametrize(
    ("text", "endpoint", "authorization"),
    [
        ("https://a.example/files", ENDPOINT, None),
        ("https://a.example", "https://a.example/", None),
        ("https://u:p@a.example/files/", ENDPOINT, "Basic dTpw"),
        ("https://u%40x:p%3A@a.example/files/", ENDPOINT, "Basic dUB4OnA6"),
    ],
)
def test_user_and_password_leave_the_address(
    text: str, endpoint: str, authorization: str | None
) -> None:
    assert checked_endpoint(text) == (endpoint, authorization)


@pytest.mark.parametrize(
    "text",
    ["", "files", "ftp://a.example/", "https:///files/", "https://a.example/?x", "https://a.example/#x",
     "https://a.example:99999/", "https://a.example:port/"],
)  # fmt: skip
def test_what_is_no_endpoint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="address"):
        checked_endpoint(text)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ("https://A.example/x", True),
        ("https://a.example:443/x", True),
        ("https://a.example:444/x", False),
        ("http://a.example/x", False),
        ("https://a.example.evil/x", False),
        ("https://evil/@a.example/", False),
        ("ftp://a.example/", False),
        ("//a.example/", False),
    ],
)
def test_an_origin_is_scheme_host_and_port(other: str, same: bool) -> None:
    assert same_origin(ENDPOINT, other) is same
    headers = OriginHeaders(ENDPOINT, {"Authorization": "secret"})
    if same:
        assert headers.to(other, {"X": "y"}) == {"Authorization": "secret", "X": "y"}
    else:
        with pytest.raises(Refused):
            headers.to(other, {})


@pytest.mark.parametrize(
    ("location", "address"),
    [
        ("1", "https://a.example/files/1"),
        ("/other/1#x", "https://a.example/other/1"),
        ("https://a.example:443/1", "https://a.example/1"),
        ("//a.example/1", "https://a.example/1"),
        (None, None),
        ("", None),
        ("https://b.example/1", None),
        ("http://a.example/1", None),
        ("https://u@a.example/1", None),
        ("1\n2", None),
        ("x" * (MAX_ADDRESS + 1), None),
    ],
)
def test_an_upload_has_an_address_of_its_endpoints_origin(
    location: str | None, address: str | None
) -> None:
    if address is not None:
        assert upload_address(ENDPOINT, location) == address
        return
    with pytest.raises(Refused):
        upload_address(ENDPOINT, location)


@pytest.mark.parametrize(
    ("before", "location", "address"),
    [
        (ENDPOINT, "https://store.example/x?s=1", "https://store.example/x?s=1"),
        ("http://a.example/", "https://store.example/x", "https://store.example/x"),
        ("http://a.example/", "http://store.example/x", "http://store.example/x"),
        (ENDPOINT, "http://store.example/x", None),
        (ENDPOINT, "file:///etc/passwd", None),
        (ENDPOINT, "https://u:p@store.example/x", None),
        (ENDPOINT, None, None),
    ],
)
def test_a_redirect_never_leaves_tls(
    before: str, location: str | None, address: str | None
) -> None:
    if address is not None:
        assert redirected_address(before, location) == address
        return
    with pytest.raises(Refused):
        redirected_address(before, location)
