"""Room that uploads of unknown length were given, and when each open upload is looked after."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column(
        "uploads", sa.Column("granted", sa.BigInteger, nullable=False, server_default="0")
    )
    op.add_column("uploads", sa.Column("look_at", sa.Double))
    op.execute(
        "UPDATE uploads SET look_at = 0 "
        "WHERE state = 'receiving' OR (state = 'finished' AND kind = 'partial')"
    )
    op.drop_index("ix_uploads_owner", "uploads")
    op.create_index(
        "ix_uploads_owner", "uploads", ["user_id", "state", "kind", "length", "granted"]
    )
    op.create_index("ix_uploads_look", "uploads", ["look_at"])
