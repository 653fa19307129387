"""Keeps an issuer's keys: fetches them when needed, and uses old ones while the issuer is away."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final

from jwt import PyJWK

from tusd_py.auth.jwks import SigningKeys, parse_keys
from tusd_py.clock import Clock
from tusd_py.domain.errors import KeysUnavailable, TokenInvalid
from tusd_py.domain.masking import masked
from tusd_py.monitoring.probes import run_detached

log = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 10.0
"""Pause between fetches, however many tokens with unknown key ids come."""
FETCH_SECONDS: Final = 5.0
"""Longest duration of a fetch, and longest time that a request waits for one."""


class JwksCache:
    """Returns keys by their id, on one event loop; fetches in a thread of its own."""

    def __init__(self, fetch: Callable[[], bytes], clock: Clock, *, max_age: float) -> None:
        """Keep no key yet. ``fetch`` may block and raise any error; ``max_age`` is in seconds."""
        self._fetch = fetch
        self._clock = clock
        self._max_age = max_age
        self._keys: SigningKeys | None = None
        self._fetched_at = self._tried_at = float("-inf")
        self._under_way: Future[None] | None = None

    async def key(self, kid: str | None) -> PyJWK:
        """Return the key of a token.

        Raises: TokenInvalid: there is none with that id; KeysUnavailable: no keys could ever be
            fetched.
        """
        if self._keys is None:
            await self._refreshed()
        elif self._clock.monotonic() - self._fetched_at > self._max_age:
            # No request waits for it: the old keys are valid until there are new ones.
            self._begin()
        found = self._keys.get(kid) if self._keys is not None else None
        if found is None and self._keys is not None:
            await self._refreshed()
            found = self._keys.get(kid)
        if self._keys is None:
            raise KeysUnavailable
        if found is None:
            raise TokenInvalid
        return found

    async def _refreshed(self) -> None:
        """Wait for a fetch, if it is time for one or one is under way."""
        under_way = self._begin()
        if under_way is not None:
            # It is not cancelled: others wait for the same fetch when this client disconnects.
            await asyncio.wait([asyncio.wrap_future(under_way)], timeout=FETCH_SECONDS)

    def _begin(self) -> "Future[None] | None":
        if self._under_way is None:
            now = self._clock.monotonic()
            if now - self._tried_at < PAUSE_SECONDS:
                return None
            self._tried_at = now
            self._under_way = run_detached(self._replace)
            return self._under_way
        if self._under_way.done():
            self._under_way = None
            return self._begin()
        return self._under_way

    def _replace(self) -> None:
        """Fetch new keys in place of the old ones, which stay if that fails. Blocks."""
        try:
            self._keys = parse_keys(self._fetch())
            self._fetched_at = self._clock.monotonic()
        except Exception as error:  # noqa: BLE001  (any error of an HTTP client)
            log.warning(
                "keys.fetch.failed", extra={"error": masked(repr(error)), "kept": bool(self._keys)}
            )
