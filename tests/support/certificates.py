"""Read the certificates of the system once for all clients of httpx in a process of tests.

``httpx.get`` makes a client for each request, and each client reads them, whatever the address: 20 ms
of CPU time, which were most of the time of tests that poll.
"""

import functools
import os
import ssl
from typing import Any

import httpx
import pytest
from httpx._transports import default as transports


def read_once(patch: pytest.MonkeyPatch) -> None:
    """Let clients that trust what the environment says share what was read for it."""
    patch.setattr(transports, "create_ssl_context", _context)


def _context(verify: Any = True, cert: Any = None, trust_env: bool = True) -> ssl.SSLContext:
    if verify is not True or cert is not None:
        return httpx.create_ssl_context(verify=verify, cert=cert, trust_env=trust_env)
    places = (os.environ.get(name) for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    return _of_the_environment(trust_env, *places)


@functools.cache
def _of_the_environment(trust_env: bool, *_places: str | None) -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=trust_env)
