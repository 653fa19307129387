"""Decides which host names a server without authentication answers to.

A web page can make its own name resolve to this machine (DNS rebinding): its requests then count as
same-origin in the browser, and only ``Host`` shows the name. Source: RFC 9110, 7.2; RFC 6761, 6.3.
"""

import ipaddress
import re
from collections.abc import Iterable
from typing import Final

_AUTHORITY: Final = re.compile(r"([a-z0-9._~-]+|\[[0-9a-f:.]+\])(:[0-9]{0,5})?")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class HostRule:
    """Allows loopback names, the listed names, and the address to which a connection came."""

    def __init__(self, allowed: Iterable[str]) -> None:
        """Allow some names or addresses; ``allowed`` has them without a port."""
        self._allowed = frozenset(canonical_host(name) for name in allowed)

    def allows(self, authority: str, local_address: str | None) -> bool:
        """Return whether a request may name this host.

        A page can't rebind a literal address.

        Args: authority: a host with or without a port, as the request has it; local_address: the IP
            address to which the connection came, if it is known.
        """
        host = canonical_host(authority)
        if host is None:
            return False
        if host in self._allowed or is_loopback(host):
            return True
        literal = _ip_address(host)
        return literal is not None and literal == _ip_address(local_address or "")


def canonical_host(authority: str) -> str | None:
    """Return the host of ``host[:port]`` in lower case, without brackets and final dot.

    Returns: None if the text is no valid host.
    """
    match = _AUTHORITY.fullmatch(authority.strip(" \t").lower())
    if match is None:
        return None
    return match[1].strip("[]").removesuffix(".") or None


def is_loopback(host: str) -> bool:
    """Return whether a result of ``canonical_host`` always means the machine itself."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _ip_address(host)
    return address is not None and address.is_loopback


def _ip_address(text: str) -> IpAddress | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
