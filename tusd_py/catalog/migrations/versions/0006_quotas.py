"""What an owner has, counted under a lock."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_index("ix_uploads_owner", "uploads", ["user_id", "state", "kind", "length"])
    op.create_table(
        "owners",
        sa.Column("user_id", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("looks", sa.BigInteger(), nullable=False),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
