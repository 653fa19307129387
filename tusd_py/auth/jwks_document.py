"""Fetches the document of an issuer's keys."""

from typing import Final

from tusd_py.auth.jwks_cache import FETCH_SECONDS
from tusd_py.bounded_http import fetch_document

MAX_DOCUMENT_BYTES: Final = 1 << 20


def fetched(url: str) -> bytes:
    """Return the document at an address. Blocks. Raises: see ``fetch_document``."""
    return fetch_document(url, seconds=FETCH_SECONDS, max_bytes=MAX_DOCUMENT_BYTES)
