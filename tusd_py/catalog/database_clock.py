"""Reads the database's time, on which several machines agree for leases and expiry (fault 41)."""

import threading
from typing import Final

from sqlalchemy import text
from typing_extensions import override

from tusd_py.catalog.database import Database
from tusd_py.clock import Clock, SystemClock

REFRESH_SECONDS: Final = 60.0
_NOW: Final = text("SELECT UNIX_TIMESTAMP(NOW(6))")


class DatabaseClock(Clock):
    """Implements ``clock.Clock`` by the database's time.

    It is read once a minute, and this machine's monotonic clock counts on from it. The wall clock
    of this machine has no influence.
    """

    def __init__(self, database: Database, *, machine: Clock | None = None) -> None:
        self._database = database
        self._machine = machine or SystemClock()
        self._mutex = threading.Lock()
        self._offset = 0.0
        self._refresh_at = float("-inf")

    @override
    def now(self) -> float:
        """Return the unix seconds of the database. Raises: BackendError: it was never reached."""
        with self._mutex:
            if self._machine.monotonic() >= self._refresh_at:
                begun = self._machine.monotonic()
                found = float(self._database.read(lambda c: c.execute(_NOW).scalar_one()))
                # The time was read some time between; a new connection may have taken long.
                self._offset = found - (begun + self._machine.monotonic()) / 2
                self._refresh_at = begun + REFRESH_SECONDS
            return self._machine.monotonic() + self._offset

    @override
    def monotonic(self) -> float:
        return self._machine.monotonic()
