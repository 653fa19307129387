"""Lanes and priorities of jobs, and the lines in which users take turns."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("uploads", sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("lane", sa.String(8), nullable=False, server_default="light"))
    op.add_column("jobs", sa.Column("precedence", sa.Integer, nullable=False, server_default="0"))
    op.execute("UPDATE jobs SET lane = 'heavy' WHERE is_video")
    op.create_index("ix_jobs_line", "jobs", ["state", "lane", "user_id", "precedence", "run_after"])
    op.create_table(
        "job_lines",
        sa.Column("lane", sa.String(8), primary_key=True),
        sa.Column("user_id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("waiting", sa.Boolean, nullable=False),
        sa.Column("precedence", sa.Integer, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
        sa.Column("served_at", sa.Double, nullable=False),
        mysql_charset="utf8mb4",
        mysql_engine="InnoDB",
    )
    op.create_index(
        "ix_job_lines_next",
        "job_lines",
        ["lane", "waiting", "precedence", "served_at", "due_at"],
    )
    op.execute(
        "INSERT INTO job_lines (lane, user_id, waiting, precedence, due_at, served_at) "
        "SELECT lane, user_id, 1, 0, min(run_after), 0 FROM jobs WHERE state = 'queued' "
        "GROUP BY lane, user_id"
    )
