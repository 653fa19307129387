"""Links for receivers, and the receivers that have begun a download by one."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "shares",
        sa.Column("id", sa.String(24), primary_key=True),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("upload_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("expires_at", sa.Double, nullable=False),
        sa.Column("downloads", sa.Integer),
        sa.Column("downloaded", sa.Integer, nullable=False),
        sa.Column("password_hash", sa.String(128), nullable=False),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_shares_upload", "shares", ["upload_id"])
    op.create_index("ix_shares_user", "shares", ["user_id", "created_at", "id"])
    op.create_index("ix_shares_end", "shares", ["expires_at"])
    op.create_table(
        "share_receivers",
        sa.Column("share_id", sa.String(24), primary_key=True),
        sa.Column("receiver", sa.String(32), primary_key=True),
        sa.Column("client", sa.String(32), nullable=False),
        sa.Column("seen_at", sa.Double, nullable=False),
        sa.Column("client_until", sa.Double, nullable=False),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_receivers_client", "share_receivers", ["share_id", "client"])
    op.create_index("ix_receivers_seen", "share_receivers", ["seen_at"])
