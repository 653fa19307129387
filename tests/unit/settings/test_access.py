"""Tests which origins and hosts are accepted as settings."""

import pytest

from tusd_py.settings.sources import SettingsError, load_settings

GOOD_ORIGINS = [
    "https://page.example", "http://localhost:3000", "http://[::1]:8080", "https://page.example:8443",
    "capacitor://localhost", "chrome-extension://abcdef", "http://127.0.0.1:1",
]  # fmt: skip


def test_origins_as_browsers_send_them_are_taken() -> None:
    chosen = load_settings(None, {"TUSD_CORS__ALLOW_ORIGINS": ",".join(GOOD_ORIGINS)}, {})
    assert chosen.cors.allow_origins == tuple(GOOD_ORIGINS)
    assert load_settings(None, {"TUSD_CORS__ALLOW_ORIGINS": ""}, {}).cors.allow_origins == ()
    assert load_settings(None, {}, {}).cors.allow_origins is None


@pytest.mark.parametrize(
    "origin",
    [
        "https://page.example/", "https://page.example/app", "page.example", "null", "//page.example",
        "https://*.example", "*.example", "https://page.example:443", "http://page.example:80",
        "HTTPS://page.example", "https://Page.example", "https://user@page.example", "file:///x",
        "file://x", "https://page.example?x", "https://", "https://page.example:port", "**",
    ],
)  # fmt: skip
def test_a_value_that_no_browser_sends_as_an_origin_is_refused(origin: str) -> None:
    with pytest.raises(SettingsError, match=r"^environment variable TUSD_CORS__ALLOW_ORIGINS: "):
        load_settings(None, {"TUSD_CORS__ALLOW_ORIGINS": origin}, {})


@pytest.mark.parametrize("origins", [None, "", "*", "https://page.example,*"])
def test_credentials_need_listed_origins(origins: str | None) -> None:
    """Credentials for every origin would let any page act as its visitor."""
    environ = {"TUSD_CORS__ALLOW_CREDENTIALS": "true"}
    if origins is not None:
        environ["TUSD_CORS__ALLOW_ORIGINS"] = origins
    with pytest.raises(SettingsError, match="allow_credentials needs origins that are listed"):
        load_settings(None, environ, {})
    listed = load_settings(None, environ | {"TUSD_CORS__ALLOW_ORIGINS": "https://a.example"}, {})
    assert listed.cors.allow_credentials


def test_fields_of_pages_are_names_of_header_fields() -> None:
    environ = {
        "TUSD_CORS__ALLOW_HEADERS": "X-Tenant,traceparent,*",
        "TUSD_CORS__EXPOSE_HEADERS": "X-Cache",
    }
    cors = load_settings(None, environ, {}).cors
    assert cors.allow_headers == ("X-Tenant", "traceparent", "*")
    assert cors.expose_headers == ("X-Cache",)
    for wrong in ("X-Tenant: a", "a b", "X-\r\nA", "ä"):
        with pytest.raises(SettingsError, match="no name of a header field"):
            load_settings(None, {"TUSD_CORS__ALLOW_HEADERS": wrong}, {})
    with pytest.raises(SettingsError, match="expose_headers: list the names"):
        load_settings(None, {"TUSD_CORS__EXPOSE_HEADERS": "*"}, {})


def test_a_public_address_is_taken_with_a_path_and_without_anything_else() -> None:
    for text in ("", "https://example.org", "https://example.org:8443/up/"):
        assert load_settings(None, {"TUSD_PUBLIC_URL": text}, {}).public_url == text
    for wrong in ("example.org", "https://example.org/?a=1", "https://example.org//x", "/up"):
        with pytest.raises(SettingsError, match=r"^environment variable TUSD_PUBLIC_URL: "):
            load_settings(None, {"TUSD_PUBLIC_URL": wrong}, {})


@pytest.mark.parametrize(
    "host", ["uploads.example", "UPLOADS.example.", "10.0.0.7", "[2001:db8::1]", "tusd_server"]
)
def test_host_names_are_taken(host: str) -> None:
    assert load_settings(None, {"TUSD_ALLOWED_HOSTS": host}, {}).allowed_hosts == (host,)


@pytest.mark.parametrize(
    "host",
    [
        "uploads.example:8888", "https://uploads.example", "uploads.example/", "*", "*.example",
        ".", "a b", "[2001:db8::1]:80", "2001:db8::1", "user@host",
    ],
)  # fmt: skip
def test_a_value_that_is_no_host_name_is_refused(host: str) -> None:
    with pytest.raises(SettingsError, match=r"^environment variable TUSD_ALLOWED_HOSTS: "):
        load_settings(None, {"TUSD_ALLOWED_HOSTS": host}, {})
