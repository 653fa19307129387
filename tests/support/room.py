"""An upload room on real adapters in a directory, for tests of the use cases."""

import secrets
from pathlib import Path

from support.clock import FakeClock

from tusd_py.background_tasks import BackgroundTasks
from tusd_py.domain.ids import UploadId
from tusd_py.domain.quota import Quota
from tusd_py.ports import Ports
from tusd_py.settings.model import Settings
from tusd_py.storage.running_hash import RunningHashes
from tusd_py.threads import Threads
from tusd_py.uploads.context import UploadContext, UploadPolicy
from tusd_py.wiring import open_ports


def fresh_id() -> UploadId:
    return UploadId(secrets.token_hex(16))


def stored_file(ports: Ports, upload_id: UploadId) -> Path:
    """Return the path at which the disk store keeps the bytes of an upload."""
    return Path(ports.stores.uploads.location(upload_id))


class Process:
    """What one server process has in memory; ``restarted`` returns what is left after its death."""

    def __init__(self, data_dir: Path, clock: FakeClock, policy: UploadPolicy) -> None:
        self.data_dir = data_dir
        self.clock = clock
        self.policy = policy
        self.ports: Ports = open_ports(Settings(data_dir=data_dir), clock=clock)
        self.threads = Threads()
        self.woken = 0
        self.room = UploadContext(
            policy=policy,
            stores=self.ports.stores,
            catalog=self.ports.catalog,
            tasks=self.ports.tasks,
            lock=self.ports.lock,
            running_hashes=RunningHashes(),
            threads=self.threads,
            clock=clock,
            background=BackgroundTasks(),
            wake_relay=self._wake,
        )

    def _wake(self) -> None:
        self.woken += 1

    def close(self) -> None:
        self.threads.close()
        self.ports.close()

    def restarted(self) -> "Process":
        self.close()
        return Process(self.data_dir, self.clock, self.policy)


def policy(
    *,
    max_size: int | None = 1 << 24,
    expires_after: float | None = 3600.0,
    idle_timeout: float = 30.0,
    allowed: tuple[str, ...] = (),
    instant: bool = True,
    quota: Quota | None = None,
) -> UploadPolicy:
    return UploadPolicy(
        max_size=max_size,
        expires_after=expires_after,
        idle_timeout=idle_timeout,
        min_rate=0,
        durability="off",
        allowed_extensions=allowed,
        instant=instant,
        quota=quota,
    )
