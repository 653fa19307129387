"""Uploads born complete, and who points at a file of the pool."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column(
        "uploads", sa.Column("instant", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.create_index("ix_uploads_identity", "uploads", ["file_identity", "state"])
