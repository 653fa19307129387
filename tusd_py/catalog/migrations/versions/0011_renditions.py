"""Renditions beside the main object of a pool entry, and what they add to an owner's usage."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "renditions",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("identity", sa.String(64), nullable=False),
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("object_key", sa.String(255), nullable=False),
        sa.Column("path", sa.String(512), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("content_type", sa.String(128), nullable=False),
        sa.Column("ext", sa.String(32), nullable=False),
        sa.Column("facts", sa.Text),
        sa.UniqueConstraint("identity", "name", name="uq_renditions_name"),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_renditions_object", "renditions", ["object_key"])
    op.add_column("repository_pool", sa.Column("facts", sa.Text))
    for table in ("repository_pool", "uploads"):
        op.add_column(
            table, sa.Column("extra_size", sa.BigInteger, nullable=False, server_default="0")
        )
    op.drop_index("ix_uploads_owner", "uploads")
    op.create_index(
        "ix_uploads_owner",
        "uploads",
        ["user_id", "state", "kind", "length", "granted", "extra_size"],
    )
