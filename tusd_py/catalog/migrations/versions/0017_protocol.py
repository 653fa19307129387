"""How an upload was begun and is completed (all earlier ones: by tus); the SHA-256 of its file."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    # On MySQL a column stays if a migration breaks off behind it.
    known = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("uploads")}
    for column in (
        sa.Column("protocol", sa.String(8), nullable=False, server_default="tus"),
        sa.Column("completes_at_length", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("sha256", sa.String(64)),
        sa.Column("wants_sha256", sa.Boolean, nullable=False, server_default=sa.false()),
    ):
        if column.name not in known:
            op.add_column("uploads", column)
