"""The protocol in which an upload was begun; all earlier uploads were begun by tus."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column(
        "uploads", sa.Column("protocol", sa.String(8), nullable=False, server_default="tus")
    )
