"""Recognises the proxy before a deployment by its answers, and has its remedy for each fault.

The files in ``deploy`` have the same lines, and ``docs/deploying.md`` explains them.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class Proxy(StrEnum):
    """Names a proxy that the fields Server or Via of an answer show, as its makers write it."""

    NGINX = "nginx"
    APACHE = "Apache"
    CADDY = "Caddy"
    CLOUDFLARE = "Cloudflare"
    UNKNOWN = ""
    """HAProxy and Traefik do not show themselves."""


_SIGNS: Final[Mapping[str, Proxy]] = {
    "cloudflare": Proxy.CLOUDFLARE,
    "openresty": Proxy.NGINX,
    "nginx": Proxy.NGINX,
    "apache": Proxy.APACHE,
    "caddy": Proxy.CADDY,
}

_REMEDIES: Final[Mapping[str, Mapping[Proxy, str]]] = {
    "request-buffering": {
        Proxy.NGINX: "proxy_request_buffering off; proxy_http_version 1.1;",
        Proxy.APACHE: "take out SetEnv proxy-sendcl, and filters of bodies such as mod_security "
        "(SecRequestBodyAccess Off).",
        Proxy.CADDY: "take request_buffers and buffer_requests out of reverse_proxy.",
        Proxy.CLOUDFLARE: "it holds small bodies back; let clients send chunks of some MB.",
    },
    "silence": {
        Proxy.NGINX: "client_body_timeout 300s; proxy_send_timeout 3600s; proxy_read_timeout "
        "3600s;",
        Proxy.APACHE: "RequestReadTimeout body=90,MinRate=256, and ProxyTimeout 300.",
        Proxy.CADDY: "take read_body out of the timeouts of servers.",
        Proxy.CLOUDFLARE: "its limit of 100 s can't be raised in most plans.",
    },
    "body-size": {
        Proxy.NGINX: "client_max_body_size 0;",
        Proxy.APACHE: "LimitRequestBody 0.",
        Proxy.CADDY: "take max_size out of request_body.",
        Proxy.CLOUDFLARE: "most plans refuse bodies above 100 MB: let clients send smaller chunks "
        "(chunkSize of tus-js-client), or set the name to DNS only.",
    },
    "event-buffering": {
        Proxy.NGINX: "proxy_buffering off; gzip off; and no proxy_ignore_headers "
        "X-Accel-Buffering, for /api/file/upload/events.",
        Proxy.APACHE: "flushpackets=on at ProxyPass, and no DEFLATE for text/event-stream.",
        Proxy.CADDY: "flush_interval -1 in reverse_proxy.",
        Proxy.CLOUDFLARE: "turn compression and caching off for /api/file/upload/events.",
    },
    "websocket": {
        Proxy.NGINX: "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
        "proxy_set_header Connection $connection_upgrade, which a map makes of $http_upgrade.",
        Proxy.APACHE: "upgrade=websocket at ProxyPass, from 2.4.47 on.",
        Proxy.CADDY: "take header_up Connection and header_up Upgrade out of reverse_proxy.",
        Proxy.CLOUDFLARE: "switch WebSockets on, at Network.",
    },
}
"""The remedy of each proxy for a check of a deployment."""


def proxy_of(headers: Mapping[str, str]) -> Proxy:
    """Return the proxy that an answer shows; the names of ``headers`` are in lower case."""
    shown = f"{headers.get('server', '')} {headers.get('via', '')}".lower()
    return next((proxy for sign, proxy in _SIGNS.items() if sign in shown), Proxy.UNKNOWN)


def remedy(check: str, proxy: Proxy) -> str:
    """Return the remedy for the fault of a check; that of nginx is the example for others."""
    if proxy is not Proxy.UNKNOWN:
        return f"In {proxy}: {_REMEDIES[check][proxy]}"
    return (
        f"In nginx: {_REMEDIES[check][Proxy.NGINX]} The files in deploy/ have the lines for "
        "HAProxy, Apache, Caddy and Traefik."
    )
