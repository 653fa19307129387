"""Where clients see this server: the base of the Location header, from a request's head.

Absolute when our public address is known (direct, or a trusted proxy tells), relative when a proxy
is evidently in front but not trusted: aiotus can't follow relative ones, and a wrong absolute one
helps nobody (checks C89 to C96).
"""

import re
from collections.abc import Iterable
from typing import Final

from tusd_py.protocol.fields import Fields

_HOST: Final = re.compile(r"(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PAIR: Final = re.compile(r"\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;,\"]*)")
_SIGNS_OF_A_PROXY: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Via", "X-Real-IP")  # fmt: skip
_DEFAULT_PORTS: Final = {"http": ":80", "https": ":443"}


def public_origin(fields: Fields, *, scheme: str, trusted: bool) -> str | None:
    """``scheme://host`` as clients see it, or None when it can't be known.

    Args: scheme: of the connection that reached us; trusted: whether a proxy's words count.
    Source: RFC 7239 (Forwarded, which wins over X-Forwarded-*); RFC 9110, 7.2 (Host).
    """
    host = fields.joined("Host")
    if trusted:
        told_host, told_scheme = _told(fields)
        host = told_host or host
        scheme = told_scheme or scheme
    elif _through_proxy(fields):
        return None
    if host is None or not _HOST.fullmatch(host):
        return None
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, ':'))}"


def own_origins(fields: Fields, *, scheme: str, trusted: bool) -> frozenset[str]:
    """Origins that a page of this server may have, as its browser writes them (RFC 6454, 6.2).

    Where nothing trusted names the scheme, https counts too: TLS may have ended at a proxy, and a page
    over TLS of the same name is no stranger. Args: see ``public_origin``.
    """
    host = fields.joined("Host")
    told_host, told_scheme = _told(fields) if trusted else (None, None)
    host = told_host or host
    if host is None or not _HOST.fullmatch(host):
        return frozenset()
    schemes = {told_scheme} if told_scheme else {scheme, "https"}
    return frozenset(
        f"{each}://{host.lower().removesuffix(_DEFAULT_PORTS.get(each, ':'))}" for each in schemes
    )


def named_hosts(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    """Every host that a request's head names, as it is written: Host, and what Forwarded and
    X-Forwarded-Host say it was, whoever wrote them."""
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


def _through_proxy(fields: Fields) -> bool:
    """Whether a proxy has left its mark on the request."""
    return any(name in fields for name in _SIGNS_OF_A_PROXY)


def _told(fields: Fields) -> tuple[str | None, str | None]:
    """Host and scheme by the proxy nearest to the client: the first entry of a list."""
    host = _first(fields.joined("X-Forwarded-Host"))
    scheme = _first(fields.joined("X-Forwarded-Proto"))
    forwarded = _forwarded(fields.joined("Forwarded") or "")
    host = forwarded.get("host", host)
    scheme = forwarded.get("proto", scheme)
    if host is not None and not _HOST.fullmatch(host):
        host = None
    scheme = scheme.lower() if scheme is not None else None
    return host, scheme if scheme in _DEFAULT_PORTS else None


def _first(text: str | None) -> str | None:
    return None if text is None else text.partition(",")[0].strip()


def _forwarded(text: str) -> dict[str, str]:
    """The first element of Forwarded: names in lower case, values unquoted."""
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
