"""Decide which certificates of servers are trusted."""

import ssl
from pathlib import Path

import httpx


def tls_context(cacert: Path | None, *, checks: bool) -> ssl.SSLContext:
    """Return a context that trusts the system's certificates and those of a PEM file.

    Args: checks: whether the server's certificate is checked at all.
    Raises: ssl.SSLError: the file has no certificate; OSError: it can't be read.
    """
    context = httpx.create_ssl_context(verify=checks)
    if cacert is not None:
        context.load_verify_locations(cacert)
    return context
