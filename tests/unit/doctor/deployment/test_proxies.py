"""Tests that a proxy is recognised by its answers, and that a remedy is in its words."""

import pytest

from tusd_py.doctor.deployment.bodies import judge_buffering, judge_size
from tusd_py.doctor.deployment.events import EventLog, judge_events
from tusd_py.doctor.deployment.proxies import Proxy, proxy_of
from tusd_py.doctor.deployment.websocket import judge_websocket


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"server": "nginx/1.25.3"}, Proxy.NGINX),
        ({"server": "openresty"}, Proxy.NGINX),
        ({"server": "Apache/2.4.57 (Debian)"}, Proxy.APACHE),
        ({"server": "uvicorn", "via": "1.1 Caddy"}, Proxy.CADDY),
        ({"server": "Caddy"}, Proxy.CADDY),
        # Behind another one only the outermost shows its name in Server.
        ({"server": "cloudflare", "via": "1.1 Caddy"}, Proxy.CLOUDFLARE),
        ({"server": "uvicorn"}, Proxy.UNKNOWN),
        ({}, Proxy.UNKNOWN),
    ],
)
def test_a_proxy_shows_itself_by_server_or_via(headers: dict[str, str], expected: Proxy) -> None:
    assert proxy_of(headers) is expected


@pytest.mark.parametrize("proxy", [proxy for proxy in Proxy if proxy is not Proxy.UNKNOWN])
def test_each_remedy_is_that_of_the_proxy(proxy: Proxy) -> None:
    silent = EventLog(snapshot=False, change=False, encoding="")
    for found in (
        judge_buffering(0, proxy),
        judge_size(1 << 20, 1 << 30, proxy),
        judge_events(silent, proxy),
        judge_websocket(proxy, passes=False, received=False),
    ):
        assert found.remedy.startswith(f"In {proxy}: ")


def test_without_a_known_proxy_the_example_is_nginx_and_the_files_are_named() -> None:
    found = judge_size(1 << 20, 1 << 30)
    assert found.remedy.startswith("In nginx: client_max_body_size 0;")
    assert "HAProxy, Apache, Caddy and Traefik" in found.remedy
