import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from support.clock import FakeClock
from support.ids import fresh_id

from tusd_py.catalog.database import Database
from tusd_py.catalog.migrate import HEAD, migrate
from tusd_py.catalog.schema import metadata
from tusd_py.catalog.sql_catalog import SqlCatalog, sqlite_url
from tusd_py.domain.errors import BackendError

SEED_COLUMNS = {
    "id", "task_id", "user_id", "filename", "file_hash", "file_size", "status", "error_msg",
    "oss_path", "repository_identity", "duration", "created_at", "completed_at",
}  # fmt: skip


def test_migrations_and_schema_do_not_drift(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "c.sqlite3")
    SqlCatalog(url, clock=FakeClock()).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == HEAD
    engine.dispose()


def test_history_has_the_seeds_columns() -> None:
    assert {
        column.name for column in metadata.tables["file_upload_history"].columns
    } == SEED_COLUMNS


def test_commits_survive_power_loss_by_settings(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "c.sqlite3"))
    migrate(database)
    pragmas = database.read(
        lambda c: [
            c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")
        ]
    )
    database.close()
    assert pragmas == ["wal", 2]


def test_a_database_error_is_an_error_and_never_nothing(tmp_path: Path) -> None:
    """Hole 12."""
    path = tmp_path / "c.sqlite3"
    catalog = SqlCatalog(sqlite_url(path), clock=FakeClock())
    database = Database(sqlite_url(path))
    database.write(lambda c: c.execute(text("DROP TABLE uploads")))
    with pytest.raises(BackendError):
        catalog.uploads.get(fresh_id())
    database.close()
    catalog.close()


def test_a_transaction_is_repeated_while_another_process_holds_the_database(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    database = Database(sqlite_url(path))
    migrate(database)
    holder = subprocess.Popen(
        [sys.executable, "-c", f"""
import sqlite3, sys, time
c = sqlite3.connect({str(path)!r}, isolation_level=None)
c.execute("BEGIN IMMEDIATE"); print("held", flush=True)
sys.stdin.read(1); c.execute("COMMIT")
"""],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdin is not None
    holder.stdout.readline()
    holder.stdin.close()
    assert database.write(lambda c: c.execute(text("DELETE FROM outbox")).rowcount) == 0
    holder.stdout.close()
    assert holder.wait(30) == 0
    database.close()


@pytest.mark.slow
def test_a_process_killed_inside_the_finish_leaves_all_or_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.sqlite3"
    code = f"""
import os
from sqlalchemy import event
from support.clock import FakeClock
from tusd_py.catalog.sql_catalog import SqlCatalog, sqlite_url
from tusd_py.domain.ids import UploadId, UserId, owner_scope
from tusd_py.domain.upload import FinishedContent, Upload
catalog = SqlCatalog(sqlite_url(__import__("pathlib").Path({str(path)!r})), clock=FakeClock())
upload = Upload(id=UploadId("ab" * 16), user_id=UserId(1), length=1, created_at=1.0)
catalog.uploads.add(upload)
def before(statement):
    if statement.startswith("UPDATE job_lines"):
        os._exit(9)
def trace(driver, *_):
    driver.set_trace_callback(before)
event.listen(catalog._database.engine, "checkout", trace)
content = FinishedContent(
    upload_id=upload.id, user_id=upload.user_id, scope=owner_scope(upload.user_id),
    filename="", filetype="", file_hash="a" * 64, file_size=1, temp_path="", created_at=1.0)
catalog.uploads.finish(content, is_video=False)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 9
    catalog = SqlCatalog(sqlite_url(path), clock=FakeClock())
    (upload_id,) = catalog.uploads.receiving()
    assert catalog.uploads.outcome(upload_id) is None
    assert catalog.jobs.get(upload_id) is None
    catalog.close()
