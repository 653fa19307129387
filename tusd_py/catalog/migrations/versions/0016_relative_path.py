"""Paths of uploads below the folder that was sent, for the file list."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import VARCHAR

from tusd_py.domain.errors import MalformedHeader
from tusd_py.domain.relative_path import METADATA_KEY, safe_path
from tusd_py.protocol.fields import decode_metadata

revision = "0016"
down_revision = "0015"

_PATH = sa.String(1024).with_variant(VARCHAR(1024, collation="utf8mb4_bin"), "mysql", "mariadb")
_uploads = sa.table(
    "uploads",
    sa.column("id", sa.String),
    sa.column("relative_path", sa.String),
    sa.column("metadata_header", sa.LargeBinary),
)


def upgrade() -> None:
    connection = op.get_bind()
    inspector = sa.inspect(connection)
    # On MySQL the column stays if a migration breaks off while it reads the paths.
    if "relative_path" not in {column["name"] for column in inspector.get_columns("uploads")}:
        op.add_column(
            "uploads", sa.Column("relative_path", _PATH, nullable=False, server_default="")
        )
    _fill_paths(connection)


def _fill_paths(connection: sa.Connection) -> None:
    after = ""
    while True:
        page = (
            sa.select(_uploads.c.id, _uploads.c.metadata_header)
            .where(_uploads.c.id > after)
            .order_by(_uploads.c.id)
            .limit(1000)
        )
        rows = connection.execute(page).all()
        paths = [{"of": found, "path": path} for found, raw in rows if (path := _path(raw))]
        if paths:
            connection.execute(
                _uploads.update()
                .where(_uploads.c.id == sa.bindparam("of"))
                .values(relative_path=sa.bindparam("path")),
                paths,
            )
        if len(rows) < 1000:
            return
        after = rows[-1][0]


def _path(raw: bytes | None) -> str:
    """Return the path as rows that are written later have it: its rule is that of the domain."""
    try:
        metadata = decode_metadata(bytes(raw or b"").decode("latin-1"))
    except MalformedHeader:
        return ""
    return safe_path(metadata.get(METADATA_KEY, b"").decode("utf-8", "replace"))
