"""MySQL: columns for more than 64 KiB, and one character set and engine for every table."""

from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    if op.get_context().dialect.name == "sqlite":
        return
    op.execute("ALTER TABLE renditions CONVERT TO CHARACTER SET utf8mb4, ENGINE = InnoDB")
    for table in ("renditions", "repository_pool"):
        op.execute(f"ALTER TABLE {table} MODIFY facts MEDIUMTEXT")
    op.execute("ALTER TABLE jobs MODIFY checkpoint MEDIUMTEXT NOT NULL")
    op.execute(
        "ALTER TABLE uploads MODIFY concat_header MEDIUMTEXT, MODIFY parts MEDIUMTEXT NOT NULL"
    )
