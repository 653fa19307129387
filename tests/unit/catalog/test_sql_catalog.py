"""Tests that the catalog answers with the truth, or with an error."""

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text
from support.clock import FakeClock
from support.ids import fresh_id

from tusd_py.catalog.database import Database
from tusd_py.catalog.sql_catalog import SqlCatalog, sqlite_url
from tusd_py.domain.errors import BackendError


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
