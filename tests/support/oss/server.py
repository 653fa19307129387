"""An OSS endpoint to test against, strict where OSS is strict.

A mistake of a client is refused with the code of the real OSS. It is the only part of these tests
that stands in for another one.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from support.oss.calls import Calls
from support.oss.connection import Listener
from support.oss.control import Control
from support.oss.exchange import Endpoint
from support.oss.faults import Faults
from support.oss.service import OssService
from support.oss.signatures import Access

from tusd_py.clock import Clock, SystemClock

ACCESS_KEY: Final = "test-access-key"
SECRET: Final = "test-secret"
BUCKET: Final = "test-bucket"
REGION: Final = "cn-hangzhou"
#: The least size of all parts but the last, as in OSS.
MIN_PART_BYTES: Final = 100 * 1024


class OssServer:
    """The endpoint in threads of this process; all that it stores is in ``directory``.

    ``keys`` has the secrets by access key, ``tokens`` the STS token that a key must bring,
    ``region`` is that of version 4 signatures. A new server on the same directory (and ``port``)
    continues with the data of the one before.
    """

    def __init__(
        self,
        directory: Path,
        *,
        keys: Mapping[str, str] | None = None,
        tokens: Mapping[str, str] | None = None,
        region: str = REGION,
        buckets: tuple[str, ...] = (BUCKET,),
        min_part: int = MIN_PART_BYTES,
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._service = OssService(directory, min_part=min_part, clock=clock)
        for name in buckets:
            self._service.create_bucket(name)
        access = Access(keys or {ACCESS_KEY: SECRET}, tokens or {}, region)
        self.faults = Faults()
        self.calls = Calls()
        endpoint = Endpoint(self._service, access, clock, self.faults, self.calls)
        control = Control(self.faults, self.calls, self._service.age)
        self._listener = Listener(port, endpoint, control)
        self.port: int = self._listener.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.02,))

    def start(self) -> "OssServer":
        """Start to answer requests."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop: every connection is closed, also one that a fault holds."""
        self._listener.shutdown()
        self._thread.join()
        self.faults.clear()
        self._listener.close_connections()
        self._listener.server_close()

    def age(self, seconds: float) -> None:
        """Make everything that is stored look older by this number of seconds."""
        self._service.age(seconds)
