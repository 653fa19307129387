"""What a challenge was about, so that tries of one content are counted."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column(
        "possession_challenges",
        sa.Column("file_hash", sa.String(64), nullable=False, server_default=""),
    )
    op.create_index("ix_challenges_file", "possession_challenges", ["file_hash", "made_at"])
