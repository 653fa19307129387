"""An index over the ends of tasks, for the figures (requirement S23)."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index(
        "ix_history_ended", "file_upload_history", ["completed_at", "status"], unique=False
    )
