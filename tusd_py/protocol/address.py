"""Finds the address of a client by which requests and connections are counted."""

import ipaddress

from tusd_py.protocol.fields import Fields


def counted_address(peer: str) -> str | None:
    """Return the address under which a client is counted: of IPv6 its network of 64 bits.

    Returns: None if the text is no address.
    """
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    if address.is_loopback:
        return str(address)
    return str(ipaddress.ip_network((int(address) >> 64 << 64, 64)))


def client_address(fields: Fields, peer: str, *, trusted: bool) -> str:
    """Return the address under which the client of a request is counted; '' if none is known.

    Args: peer: address of the connection. trusted: whether a proxy names the client. The last entry
        of X-Forwarded-For is the proxy's own; a client may have sent those before it.
    """
    named = (fields.joined("X-Forwarded-For") or "").rpartition(",")[2] if trusted else ""
    return counted_address(named.strip()) or counted_address(peer) or ""
