"""Names of uploads in a column, and an index of a user's uploads by time, for the file list."""

import sqlalchemy as sa
from alembic import op

from tusd_py.domain.errors import MalformedHeader
from tusd_py.protocol.fields import decode_metadata

revision = "0014"
down_revision = "0013"

_uploads = sa.table(
    "uploads",
    sa.column("id", sa.String),
    sa.column("filename", sa.String),
    sa.column("metadata_header", sa.LargeBinary),
)


def upgrade() -> None:
    connection = op.get_bind()
    inspector = sa.inspect(connection)
    # On MySQL the column and the index stay if a migration breaks off while it reads the names.
    if "filename" not in {column["name"] for column in inspector.get_columns("uploads")}:
        op.add_column(
            "uploads", sa.Column("filename", sa.String(255), nullable=False, server_default="")
        )
    if "ix_uploads_listed" not in {index["name"] for index in inspector.get_indexes("uploads")}:
        op.create_index("ix_uploads_listed", "uploads", ["user_id", "created_at", "id"])
    _fill_names(connection)


def _fill_names(connection: sa.Connection) -> None:
    after = ""
    while True:
        page = (
            sa.select(_uploads.c.id, _uploads.c.metadata_header)
            .where(_uploads.c.id > after)
            .order_by(_uploads.c.id)
            .limit(1000)
        )
        rows = connection.execute(page).all()
        names = [{"of": found, "name": _name(raw)} for found, raw in rows if raw]
        if names:
            connection.execute(
                _uploads.update()
                .where(_uploads.c.id == sa.bindparam("of"))
                .values(filename=sa.bindparam("name")),
                names,
            )
        if len(rows) < 1000:
            return
        after = rows[-1][0]


def _name(raw: bytes) -> str:
    """Return what ``Upload.filename`` was when this migration was written, as a column holds it."""
    try:
        metadata = decode_metadata(bytes(raw).decode("latin-1"))
    except MalformedHeader:
        return ""
    return (metadata.get("filename") or metadata.get("name") or b"").decode("utf-8", "replace")[
        :255
    ]
