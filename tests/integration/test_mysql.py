"""The catalog on a real MariaDB: the failures of a database across a network."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, text
from support.catalog import STORED, claim, content, finished, history, upload
from support.clock import FakeClock
from support.cutting_proxy import CuttingProxy
from support.services import MariaDb, free_port

from tusd_py.catalog.database import Database
from tusd_py.catalog.database_clock import DatabaseClock
from tusd_py.catalog.mysql import CONNECT_ARGUMENTS, IDLE_SECONDS
from tusd_py.catalog.operations import SqlOperations
from tusd_py.catalog.port import UNREACHABLE
from tusd_py.catalog.sql_catalog import SqlCatalog, mysql_url
from tusd_py.clock import SystemClock
from tusd_py.domain.errors import BackendError
from tusd_py.domain.job import JobState


@pytest.fixture
def url(mariadb: MariaDb) -> URL:
    return mysql_url(mariadb.database())


@pytest.fixture
def proxy(mariadb: MariaDb) -> Iterator[CuttingProxy]:
    opened = CuttingProxy(mariadb.port)
    yield opened
    opened.close()


@pytest.fixture
def catalog(url: URL, proxy: CuttingProxy) -> Iterator[SqlCatalog]:
    opened = SqlCatalog(url.set(port=proxy.port), clock=FakeClock(), messages=True)
    yield opened
    opened.close()


BOTH = pytest.mark.parametrize("pass_on", [True, False], ids=["committed", "lost"])


@BOTH
def test_a_connection_lost_inside_commit_adds_an_upload_once(
    catalog: SqlCatalog, proxy: CuttingProxy, pass_on: bool
) -> None:
    made = upload()
    proxy.cut_at(b"COMMIT", pass_on=pass_on)
    catalog.uploads.add(made)
    assert proxy.cut.is_set()
    assert catalog.uploads.get(made.id) == made


@BOTH
def test_a_connection_lost_inside_commit_finishes_once(
    catalog: SqlCatalog, proxy: CuttingProxy, pass_on: bool
) -> None:
    made = upload()
    catalog.uploads.add(made)
    proxy.cut_at(b"COMMIT", pass_on=pass_on)
    catalog.uploads.finish(content(made), is_video=False)
    assert proxy.cut.is_set()
    assert [message.task_id for _, message in catalog.jobs.pending_jobs(10)] == [made.id]
    assert history(catalog, made.id).task_id == made.id


@BOTH
def test_a_connection_lost_inside_commit_claims_once(
    catalog: SqlCatalog, proxy: CuttingProxy, pass_on: bool
) -> None:
    finished(catalog)
    proxy.cut_at(b"COMMIT", pass_on=pass_on)
    job = claim(catalog, owner="w1")
    assert proxy.cut.is_set()
    assert job is not None
    assert (job.state, job.fence) == (JobState.RUNNING, 1)


@BOTH
def test_a_connection_lost_inside_commit_completes_once(
    catalog: SqlCatalog, proxy: CuttingProxy, pass_on: bool
) -> None:
    task_id = finished(catalog)
    job = claim(catalog, owner="w1")
    assert job is not None
    proxy.cut_at(b"COMMIT", pass_on=pass_on)
    file = catalog.jobs.complete(task_id, fence=job.fence, stored=STORED)
    assert proxy.cut.is_set()
    assert list(catalog.objects.keys()) == [file.object_key]
    found = catalog.uploads.get(task_id)
    assert found is not None
    assert found.file_identity == file.identity


def test_a_deadlock_is_repeated(url: URL) -> None:
    database = Database(url)
    database.write(lambda c: c.execute(text("CREATE TABLE t (id INT PRIMARY KEY, n INT)")))
    database.write(lambda c: c.execute(text("INSERT INTO t VALUES (1, 0), (2, 0)")))
    first_rows_held = threading.Barrier(2, timeout=30)
    met: list[int] = []

    def add(first: int, second: int) -> None:
        def work(connection):  # type: ignore[no-untyped-def]
            connection.execute(text("UPDATE t SET n = n + 1 WHERE id = :id"), {"id": first})
            if len(met) < 2:
                met.append(first)
                first_rows_held.wait()
            connection.execute(text("UPDATE t SET n = n + 1 WHERE id = :id"), {"id": second})

        database.write(work)

    threads = [threading.Thread(target=add, args=pair) for pair in ((1, 2), (2, 1))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    rows = database.read(lambda c: c.execute(text("SELECT n FROM t")).scalars().all())
    assert rows == [2, 2]
    database.close()


def test_a_client_stopped_in_its_transaction_does_not_keep_the_row_for_long(
    url: URL, monkeypatch: pytest.MonkeyPatch
) -> None:
    frozen = SqlCatalog(url, clock=FakeClock())
    finished(frozen)
    frozen.close()
    impatient = CONNECT_ARGUMENTS["init_command"].replace(f"={IDLE_SECONDS}", "=1")
    monkeypatch.setitem(CONNECT_ARGUMENTS, "init_command", impatient)
    stopped = Database(url)
    with stopped.engine.connect() as connection:
        connection.execute(text("UPDATE jobs SET owner = 'stopped'"))
        working = SqlCatalog(url, clock=FakeClock())
        job = claim(working, owner="w1")
        assert job is not None
        assert job.owner == "w1"
        connection.invalidate()
    working.close()
    stopped.close()


def test_many_processes_may_bring_a_new_database_up_to_date_at_once(url: URL) -> None:
    opened: list[SqlCatalog] = []
    threads = [
        threading.Thread(target=lambda: opened.append(SqlCatalog(url, clock=FakeClock())))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(opened) == 4
    # The job was made once, not four times.
    assert len({catalog.objects.identity() for catalog in opened}) == 1
    for catalog in opened:
        catalog.close()


def test_the_seeds_table_has_the_seeds_columns(url: URL) -> None:
    SqlCatalog(url).close()
    database = Database(url)
    shown = database.read(
        lambda c: c.execute(text("SHOW CREATE TABLE file_upload_history")).one()[1]
    )
    database.close()
    for column in (
        "`id` bigint(20) NOT NULL AUTO_INCREMENT", "`task_id` varchar(64) NOT NULL",
        "`user_id` bigint(20) NOT NULL", "`filename` varchar(255) NOT NULL",
        "`file_hash` varchar(64)", "`file_size` bigint(20)", "`status` varchar(32) NOT NULL",
        "`error_msg` text", "`oss_path` varchar(512)", "`repository_identity` varchar(64)",
        "`duration` int(11)", "`created_at` datetime", "`completed_at` datetime",
        "KEY `idx_user_id`", "KEY `idx_created_at`", "utf8mb4",
    ):  # fmt: skip
        assert column in shown


def test_a_database_that_dies_is_unavailable_and_then_simply_there_again(tmp_path: Path) -> None:
    server = MariaDb()
    try:
        server.start()
        catalog = SqlCatalog(mysql_url(server.database()))
        made = upload()
        catalog.uploads.add(made)
        server.kill()
        with pytest.raises(BackendError):
            catalog.uploads.get(made.id)
        server.start()
        assert catalog.uploads.get(made.id) == made
        catalog.close()
    finally:
        server.close()


def test_the_databases_clock_counts_and_ignores_this_machines(url: URL) -> None:
    database = Database(url)
    machine = FakeClock()
    clock = DatabaseClock(database, machine=machine)
    first = clock.now()
    assert abs(first - SystemClock().now()) < 60
    machine.jump(1e9)
    machine.advance(5)
    assert clock.now() == pytest.approx(first + 5)
    database.close()


def test_an_unreachable_database_is_reported(url: URL) -> None:
    catalog = SqlCatalog(url, clock=FakeClock())
    catalog.close()
    catalog._database = gone = Database(url.set(port=free_port()))
    with pytest.raises(BackendError, match=UNREACHABLE):
        catalog.check()
    with pytest.raises(BackendError):
        SqlOperations(gone, FakeClock()).metrics()
    gone.close()
