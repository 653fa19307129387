"""Requests to other endpoints whose bodies uploads keep, and the final answers to them."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "target_requests",
        sa.Column("upload_id", sa.String(32), primary_key=True),
        sa.Column("method", sa.String(8), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("status", sa.Integer),
        sa.Column("fields", sa.Text),
        sa.Column("body", sa.LargeBinary),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
