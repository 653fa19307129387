"""Tenants, and proofs of possession."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    for table in ("uploads", "repository_pool"):
        op.add_column(table, sa.Column("tenant", sa.String(128), nullable=False, server_default=""))
    op.create_index("ix_pool_hash", "repository_pool", ["hash"])
    op.create_table(
        "possession_questions",
        sa.Column("id", _Id, primary_key=True, autoincrement=True),
        sa.Column("file_hash", sa.String(64), nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_questions_hash", "possession_questions", ["file_hash"])
    op.create_table(
        "possession_challenges",
        sa.Column("id", _Id, primary_key=True, autoincrement=True),
        sa.Column("upload_id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=False),
        sa.Column("used", sa.Boolean, nullable=False),
        sa.Column("made_at", sa.Double, nullable=False),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index("ix_challenges_upload", "possession_challenges", ["upload_id"])
    op.create_index("ix_challenges_user", "possession_challenges", ["user_id", "made_at"])
