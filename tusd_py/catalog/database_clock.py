"""The database's time, for leases and expiry that several machines must agree on (fault 41)."""

import threading
from typing import Final

from sqlalchemy import text
from typing_extensions import override

from tusd_py.catalog.database import Database
from tusd_py.clock import Clock, SystemClock

REFRESH_SECONDS: Final = 60.0
_NOW: Final = text("SELECT UNIX_TIMESTAMP(NOW(6))")


class DatabaseClock(Clock):
    """``clock.Clock`` by the database: asked once a minute, and counted on from there by the
    machine's monotonic clock. What this machine's own clock says plays no part."""

    def __init__(self, database: Database, *, machine: Clock | None = None) -> None:
        self._database = database
        self._machine = machine or SystemClock()
        self._mutex = threading.Lock()
        self._offset = 0.0
        self._refresh_at = float("-inf")

    @override
    def now(self) -> float:
        """Raises: BackendError: the database was never reached."""
        with self._mutex:
            if self._machine.monotonic() >= self._refresh_at:
                asked_at = self._machine.monotonic()
                said = float(self._database.read(lambda c: c.execute(_NOW).scalar_one()))
                # It was said some time between; a new connection may have taken long.
                self._offset = said - (asked_at + self._machine.monotonic()) / 2
                self._refresh_at = asked_at + REFRESH_SECONDS
            return self._machine.monotonic() + self._offset

    @override
    def monotonic(self) -> float:
        return self._machine.monotonic()
