"""Finds the address under which clients see this server: by a setting, or by a request's head.

The Location header is absolute if the public address is known: the connection is direct, or a
trusted proxy sends it. It is relative if there is evidently a proxy that is not trusted: aiotus
can't follow a relative one, but no client can use a wrong absolute one (checks C89 to C96).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, urlsplit

from tusd_py.protocol.fields import Fields

_HOST: Final = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PAIR: Final = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;,\"]*)")
HOST_FIELDS: Final = frozenset({b"host", b"x-forwarded-host", b"forwarded"})
"""Fields of which ``named_hosts`` takes hosts, in lower case."""
_SIGNS_OF_A_PROXY: Final = frozenset(
    {
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-proto",
        "via",
        "x-real-ip",
    }
)
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}
_WITH_PORT: Final = re.compile(r":[0-9]*$")
_PORT: Final = re.compile(r"[0-9]{1,5}")
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~!$&()*+;=:@%-]+)+")
"""A path without ``//``, quotes and commas, which separate the prefixes of several proxies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicAddress:
    """Holds how the public address is known: by the setting ``public_url``, or by each request."""

    trusted: bool
    """Whether the header fields of a proxy are used."""
    origin: str = ""
    """Scheme and host by the setting; '' if it is not set."""
    path: str = ""
    """Path of the server's root by the setting, without a slash at its end."""

    @property
    def is_set(self) -> bool:
        """Return whether the setting, and no request, decides."""
        return bool(self.origin)

    def origin_of(self, fields: Fields, *, scheme: str) -> str | None:
        """Return ``scheme://host`` as clients see it, or None if it can't be known."""
        return self.origin or public_origin(fields, scheme=scheme, trusted=self.trusted)

    def own_origins_of(self, fields: Fields, *, scheme: str) -> frozenset[str]:
        """Return the origins that a page of this server may have."""
        found = own_origins(fields, scheme=scheme, trusted=self.trusted)
        return found | {self.origin} if self.is_set else found

    def prefix_of(self, fields: Fields) -> str:
        """Return the path that trusted proxies took away, decoded; '' for none.

        Each proxy adds to the list what it took away itself. An invalid list is ignored.
        """
        if not self.trusted:
            return ""
        entries = (fields.joined("X-Forwarded-Prefix") or "").split(",")
        prefixes = [entry.strip().rstrip("/") for entry in entries]
        prefix = "".join(prefixes)
        return unquote(prefix) if _is_plain_path(prefix) else ""


def parse_public_url(text: str) -> tuple[str, str]:
    """Return origin and path of an address without query; of '' both are ''.

    The path has no slash at its end. Raises: ValueError.
    """
    if not text:
        return "", ""
    parts = urlsplit(text)
    path = parts.path.rstrip("/")
    valid = (
        parts.scheme in _DEFAULT_PORTS
        and _HOST.fullmatch(parts.netloc)
        and not (parts.query or parts.fragment)
        and (not path or _is_plain_path(path))
    )
    if not valid:
        raise ValueError(f"{text} is no address such as https://example.org/uploads")
    host = parts.netloc.lower().removesuffix(_DEFAULT_PORTS[parts.scheme])
    return f"{parts.scheme}://{host}", unquote(path)


def _is_plain_path(path: str) -> bool:
    """Return whether a path is safe as the beginning of addresses, also when it is decoded."""
    decoded = unquote(path)
    return (
        _PATH.fullmatch(path) is not None
        and not {".", ".."} & set(decoded.split("/"))
        and "//" not in decoded
        and decoded.isprintable()
        and not set("\"'\\<>") & set(decoded)
    )


def public_origin(fields: Fields, *, scheme: str, trusted: bool) -> str | None:
    """Return ``scheme://host`` as clients see it, or None if it can't be known.

    Args: scheme: scheme of the connection to this server; trusted: whether the header fields of a
        proxy are used.
    Source: RFC 7239 (Forwarded, which has priority over X-Forwarded-*); RFC 9110, 7.2 (Host).
    """
    host = fields.joined("Host")
    if trusted:
        proxy_host, proxy_scheme = _by_proxy(fields)
        host = proxy_host or host
        scheme = proxy_scheme or scheme
    elif through_proxy(fields):
        return None
    if host is None or not _HOST.fullmatch(host):
        return None
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, ':'))}"


def own_origins(fields: Fields, *, scheme: str, trusted: bool) -> frozenset[str]:
    """Return the origins that a page of this server may have, as browsers write them.

    If no trusted proxy names the scheme, https is included: TLS may have ended at a proxy, and a
    page of the same host over TLS belongs to this server. Source: RFC 6454, 6.2.

    Args: see ``public_origin``.
    """
    host = fields.joined("Host")
    proxy_host, proxy_scheme = _by_proxy(fields) if trusted else (None, None)
    host = proxy_host or host
    if host is None or not _HOST.fullmatch(host):
        return frozenset()
    schemes = {proxy_scheme} if proxy_scheme else {scheme, "https"}
    return frozenset(
        f"{each}://{host.lower().removesuffix(_DEFAULT_PORTS.get(each, ':'))}" for each in schemes
    )


def named_hosts(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Return every host that a request's head names, as it is written.

    These are Host and the hosts in Forwarded and X-Forwarded-Host, also without a trusted proxy.
    """
    found: list[str] = []
    for name, value in headers:
        if name == b"host":
            found.append(value.decode("latin-1"))
        elif name == b"x-forwarded-host":
            found += value.decode("latin-1").split(",")
        elif name == b"forwarded":
            pairs = _PAIR.finditer(value.decode("latin-1"))
            found += [_unquoted(pair[2]) for pair in pairs if pair[1].lower() == "host"]
    return found


def through_proxy(fields: Fields) -> bool:
    """Return whether the request has a header field that a proxy adds."""
    return fields.has_any(_SIGNS_OF_A_PROXY)


def _by_proxy(fields: Fields) -> tuple[str | None, str | None]:
    """Return host and scheme by the proxy nearest to the client: the first entry of a list."""
    host = _first(fields.joined("X-Forwarded-Host"))
    scheme = _first(fields.joined("X-Forwarded-Proto"))
    forwarded = _forwarded(fields.joined("Forwarded") or "")
    scheme = forwarded.get("proto", scheme)
    scheme = scheme.lower() if scheme is not None else None
    scheme = scheme if scheme in _DEFAULT_PORTS else None
    if "host" in forwarded:
        host = forwarded["host"]
    else:
        host = _with_port(host or fields.joined("Host"), fields)
    if host is not None and not _HOST.fullmatch(host):
        host = None
    return host, scheme


def _with_port(host: str | None, fields: Fields) -> str | None:
    """Add the port of X-Forwarded-Port to a host without one.

    Default ports are ignored: one is the default of the scheme, and the other is that of a proxy in
    the middle which named its own.
    """
    port = _first(fields.joined("X-Forwarded-Port")) or ""
    if host is None or _WITH_PORT.search(host) or not _PORT.fullmatch(port):
        return host
    return host if f":{port}" in _DEFAULT_PORTS.values() else f"{host}:{port}"


def _first(text: str | None) -> str | None:
    return None if text is None else text.partition(",")[0].strip()


def _forwarded(text: str) -> dict[str, str]:
    """Return the first element of Forwarded: names in lower case, values unquoted."""
    pairs: dict[str, str] = {}
    position = 0
    while match := _PAIR.match(text, position):
        pairs.setdefault(match[1].lower(), _unquoted(match[2]))
        position = match.end()
        rest = text[position:].lstrip()
        if not rest.startswith(";"):
            break
        position = text.index(";", position) + 1
    return pairs


def _unquoted(text: str) -> str:
    value = text.strip()
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
