"""Servers and workers on one data directory and real services."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.server import Server
from support.services import MariaDb, RabbitMq, Redis
from support.warm_start import Started
from support.workers import start_worker, stop_workers

FAST = {
    "TUSD_MEDIA__PRESET": "ultrafast",
    "TUSD_JOBS__RELAY_EVERY": "0.1s",
    "TUSD_JOBS__REAP_EVERY": "0.5s",
    "TUSD_JOBS__LEASE": "5s",
    "TUSD_JOBS__RENEW_EVERY": "1s",
    "TUSD_LOG_LEVEL": "warning",
}


class Cluster:
    """Starts every part with the same settings; each part may be killed by itself."""

    def __init__(self, data_dir: Path, mariadb: MariaDb, redis: Redis, rabbitmq: RabbitMq) -> None:
        self.data_dir = data_dir
        virtual_host = rabbitmq.virtual_host()
        self.queue_url = rabbitmq.url(virtual_host)
        self.env = {
            **FAST,
            "TUSD_MYSQL__DATA_SOURCE": mariadb.database(),
            "TUSD_REDIS__ADDR": f"127.0.0.1:{redis.port}",
            "TUSD_REDIS__PASSWORD": redis.password,
            "TUSD_RABBITMQ__HOST": "127.0.0.1",
            "TUSD_RABBITMQ__PORT": str(rabbitmq.port),
            "TUSD_RABBITMQ__USER": rabbitmq.user,
            "TUSD_RABBITMQ__PASSWORD": rabbitmq.password,
            "TUSD_RABBITMQ__VHOST": virtual_host,
        }
        self.servers: list[Server] = []
        self.workers: list[Started] = []

    def add_server(self) -> Server:
        """Start one more ``serve --workers 0``."""
        self.servers.append(Server(self.data_dir, "--workers", "0", env=self.env).start())
        return self.servers[-1]

    def add_worker(self, **env: str) -> Started:
        """Start one more ``worker``."""
        self.workers.append(start_worker(self.data_dir, self.env, **env))
        return self.workers[-1]

    def close(self) -> None:
        """Send SIGTERM to all."""
        try:
            stop_workers(*self.workers)
        finally:
            for server in self.servers:
                server.stop()


@contextmanager
def running_cluster(
    data_dir: Path,
    mariadb: MariaDb,
    redis: Redis,
    rabbitmq: RabbitMq,
    *,
    servers: int,
    workers: int,
) -> Iterator[Cluster]:
    """Run a cluster for the length of a block."""
    cluster = Cluster(data_dir, mariadb, redis, rabbitmq)
    try:
        for _ in range(servers):
            cluster.add_server()
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        cluster.close()
