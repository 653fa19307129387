"""Tests the columns that the original design defines."""

from tusd_py.catalog.schema import metadata

SEED_COLUMNS = {
    "id", "task_id", "user_id", "filename", "file_hash", "file_size", "status", "error_msg",
    "oss_path", "repository_identity", "duration", "created_at", "completed_at",
}  # fmt: skip


def test_history_has_the_seeds_columns() -> None:
    assert {
        column.name for column in metadata.tables["file_upload_history"].columns
    } == SEED_COLUMNS
