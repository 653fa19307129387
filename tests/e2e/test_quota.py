"""One quota at two servers on MariaDB: requests at the same time never exceed it."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.cluster import Cluster
from support.files import bytes_in
from support.services import MariaDb, RabbitMq, Redis
from support.tus import create, offset, patch, post

from tusd_py.catalog.mysql import mysql_url
from tusd_py.catalog.sql_catalog import SqlCatalog
from tusd_py.domain.ids import ANONYMOUS

SIZE, ROOM, REQUESTS = 1000, 37, 200


@pytest.fixture
def cluster(
    tmp_path: Path, mariadb: MariaDb, redis_server: Redis, rabbitmq: RabbitMq
) -> Iterator[Cluster]:
    redis_server.clear()
    cluster = Cluster(tmp_path / "data", mariadb, redis_server, rabbitmq)
    cluster.env["TUSD_LIMITS__STORED_BYTES"] = str(SIZE * ROOM + SIZE // 2)
    try:
        for _ in range(2):
            cluster.add_server()
        yield cluster
    finally:
        cluster.close()


def test_two_hundred_creations_at_once_never_get_more_than_the_quota(cluster: Cluster) -> None:
    def status(number: int) -> int:
        return post(cluster.servers[number % 2], SIZE).status_code

    with ThreadPoolExecutor(50) as pool:
        seen = Counter(pool.map(status, range(REQUESTS)))
    catalog = SqlCatalog(mysql_url(cluster.env["TUSD_MYSQL__DATA_SOURCE"]))
    try:
        usage = catalog.uploads.usage(ANONYMOUS)
    finally:
        catalog.close()
    print(f"\n{REQUESTS} requests, room for {ROOM}: {dict(seen)}, {usage}")  # noqa: T201
    assert seen == {201: ROOM, 413: REQUESTS - ROOM}
    assert (usage.open_uploads, usage.stored_bytes) == (ROOM, ROOM * SIZE)


def test_bodies_of_unknown_length_at_once_never_get_more_than_the_quota(cluster: Cluster) -> None:
    """There are eight of them, at two servers; the bytes of each that had room are kept."""
    quota = int(cluster.env["TUSD_LIMITS__STORED_BYTES"])
    urls = [create(cluster.servers[number % 2], None) for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        seen = Counter(pool.map(lambda url: patch(url, 0, bytes(quota // 4)).status_code, urls))
    there = bytes_in(cluster.data_dir / "uploads")
    print(f"\n8 bodies of {quota // 4}, room for {quota}: {dict(seen)}, {there} there")  # noqa: T201
    assert there <= quota
    assert seen[204] >= 3
    assert seen[204] + seen[413] == 8
    assert sum(offset(url) for url in urls) == there
