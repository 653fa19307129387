"""Defines the catalog's tables: sizes in bytes, times in unix seconds (UTC).

The table ``file_upload_history``, which is the original API's, has DATETIME columns instead.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)
from sqlalchemy.dialects.mysql import MEDIUMTEXT, VARCHAR

metadata = MetaData()

_Id = BigInteger().with_variant(Integer, "sqlite")
"""A key that the database counts up; SQLite does so only for a column of type INTEGER."""
_LongText = Text().with_variant(MEDIUMTEXT, "mysql", "mariadb")
"""A text of more than 64 KiB, at which MySQL's TEXT ends.

A film of many tracks or an upload of many parts needs more.
"""

_Path = String(1024).with_variant(VARCHAR(1024, collation="utf8mb4_bin"), "mysql", "mariadb")
"""A path, in which large and small letters differ: those of two folders may not be mixed up."""

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("length", BigInteger),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("metadata_header", LargeBinary),
    Column("concat_header", _LongText),
    Column("parts", _LongText, nullable=False),
    Column("declared_hash", String(64)),
    Column("file_hash", String(64)),
    Column("file_identity", String(64)),
    Column("source_removed", Boolean, nullable=False),
    Column("instant", Boolean, nullable=False, server_default=false()),
    Column("tenant", String(128), nullable=False, server_default=""),
    Column("created_at", Double, nullable=False),
    Column("granted", BigInteger, nullable=False, server_default="0"),
    Column("look_at", Double),
    Column("extra_size", BigInteger, nullable=False, server_default="0"),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("filename", String(255), nullable=False, server_default=""),
    Column("relative_path", _Path, nullable=False, server_default=""),
    Column("protocol", String(8), nullable=False, server_default="tus"),
    Column("completes_at_length", Boolean, nullable=False, server_default=true()),
    Column("sha256", String(64)),
    Column("wants_sha256", Boolean, nullable=False, server_default=false()),
    Index("ix_uploads_state", "state", "kind"),
    Index("ix_uploads_source", "source_removed", "state"),
    Index("ix_uploads_identity", "file_identity", "state"),
    Index("ix_uploads_owner", "user_id", "state", "kind", "length", "granted", "extra_size"),
    Index("ix_uploads_look", "look_at"),
    Index("ix_uploads_listed", "user_id", "created_at", "id"),
)

target_requests = Table(
    "target_requests",
    metadata,
    Column("upload_id", String(32), primary_key=True),
    Column("method", String(8), nullable=False),
    Column("path", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("status", Integer),
    Column("fields", Text),
    Column("body", LargeBinary),
)
"""Requests whose bodies uploads keep, and the final answers of their targets."""

jobs = Table(
    "jobs",
    metadata,
    Column("task_id", String(32), primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("scope", String(64), nullable=False),
    Column("filename", String(255), nullable=False),
    Column("filetype", String(255), nullable=False),
    Column("file_hash", String(64), nullable=False),
    Column("file_size", BigInteger, nullable=False),
    Column("temp_path", String(512), nullable=False),
    Column("is_video", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("owner", String(128), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("crash_count", Integer, nullable=False),
    Column("lease_until", Double, nullable=False),
    Column("run_after", Double, nullable=False),
    Column("checkpoint", _LongText, nullable=False),
    Column("error_code", String(64), nullable=False),
    Column("error_msg", Text, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("claimed_at", Double),
    Column("ended_at", Double),
    Column("lane", String(8), nullable=False, server_default="light"),
    # The priority, as ``rows.reversed_priority`` turns it round.
    Column("precedence", Integer, nullable=False, server_default="0"),
    Index("ix_jobs_state", "state", "lease_until"),
    Index("ix_jobs_line", "state", "lane", "user_id", "precedence", "run_after"),
)

job_lines = Table(
    "job_lines",
    metadata,
    Column("lane", String(8), primary_key=True),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("waiting", Boolean, nullable=False),
    Column("precedence", Integer, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("served_at", Double, nullable=False),
    Index("ix_job_lines_next", "lane", "waiting", "precedence", "served_at", "due_at"),
)
"""One row for each user and lane that ever had a job: see ``fair_queue``."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("task_id", String(32), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("due_at", Double, nullable=False),
    Column("sent_at", Double),
    Index("ix_outbox_due", "sent_at", "due_at"),
    Index("ix_outbox_task", "task_id"),
)

repository_pool = Table(
    "repository_pool",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("identity", String(64), nullable=False, unique=True),
    Column("scope", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("name", String(255), nullable=False),
    Column("ext", String(32), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("path", String(512), nullable=False),
    Column("object_key", String(255), nullable=False),
    Column("stored_hash", String(64), nullable=False),
    Column("stored_size", BigInteger, nullable=False),
    Column("content_type", String(128), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("tenant", String(128), nullable=False, server_default=""),
    Column("facts", _LongText),
    Column("extra_size", BigInteger, nullable=False, server_default="0"),
    UniqueConstraint("scope", "hash", name="uq_pool_scope_hash"),
    Index("ix_pool_hash", "hash"),
)

renditions = Table(
    "renditions",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("identity", String(64), nullable=False),
    Column("name", String(63), nullable=False),
    Column("object_key", String(255), nullable=False),
    Column("path", String(512), nullable=False),
    Column("hash", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("content_type", String(128), nullable=False),
    Column("ext", String(32), nullable=False),
    Column("facts", _LongText),
    UniqueConstraint("identity", "name", name="uq_renditions_name"),
    Index("ix_renditions_object", "object_key"),
)
"""Objects of a file in the pool in addition to its main object."""

file_upload_history = Table(
    "file_upload_history",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("task_id", String(64), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("filename", String(255), nullable=False),
    Column("file_hash", String(64)),
    Column("file_size", BigInteger),
    Column("status", String(32), nullable=False),
    Column("error_msg", Text),
    Column("oss_path", String(512)),
    Column("repository_identity", String(64)),
    Column("duration", Integer),
    Column("created_at", DateTime),
    Column("completed_at", DateTime),
    UniqueConstraint("task_id", name="uq_history_task_id"),
    Index("idx_user_id", "user_id"),
    Index("idx_created_at", "created_at"),
    Index("ix_history_ended", "completed_at", "status"),
    mysql_engine="InnoDB",
    mysql_charset="utf8mb4",
    comment="文件上传历史记录表",
)
"""The table of the original API (requirement S12), with one addition: a task has one row."""

object_multiparts = Table(
    "object_multiparts",
    metadata,
    Column("task_id", String(32), primary_key=True),
    Column("object_key", String(255), nullable=False),
    Column("upload_id", Text, nullable=False),
    Column("part_size", BigInteger, nullable=False),
    Column("created_at", Double, nullable=False),
)
"""Multipart uploads to the object store that jobs have begun (requirement S19)."""

object_parts = Table(
    "object_parts",
    metadata,
    Column("task_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("etag", String(128), nullable=False),
    Column("checksum", String(64), nullable=False),
)

object_tombstones = Table(
    "object_tombstones",
    metadata,
    Column("object_key", String(255), primary_key=True),
    Column("removed", Boolean, nullable=False),
    Column("at", Double, nullable=False),
)
"""Objects that no row referred to when they were condemned; ``removed``: they are gone."""

owners = Table(
    "owners",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("looks", BigInteger, nullable=False),
)
"""A row to lock for each owner whose quota was checked."""

possession_questions = Table(
    "possession_questions",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("file_hash", String(64), nullable=False),
    Column("nonce", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Index("ix_questions_hash", "file_hash"),
)
"""Questions that were drawn while a source was on this disk; each is used once."""

possession_challenges = Table(
    "possession_challenges",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("upload_id", String(32), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("file_hash", String(64), nullable=False, server_default=""),
    Column("nonce", LargeBinary, nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("used", Boolean, nullable=False),
    Column("made_at", Double, nullable=False),
    Index("ix_challenges_upload", "upload_id"),
    Index("ix_challenges_user", "user_id", "made_at"),
    Index("ix_challenges_file", "file_hash", "made_at"),
)
"""Challenges of the last week that had no right answer, decoys among them."""

hook_events = Table(
    "hook_events",
    metadata,
    Column("id", _Id, primary_key=True, autoincrement=True),
    Column("event_id", String(32), nullable=False, unique=True),
    Column("upload_id", String(32), nullable=False),
    Column("event", String(16), nullable=False),
    Column("happened_at", Double, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("failures", Integer, nullable=False),
    Index("ix_hooks_due", "due_at"),
    Index("ix_hooks_upload", "upload_id", "id"),
)
"""Events that were not delivered yet."""

workers = Table(
    "workers",
    metadata,
    Column("owner", String(128), primary_key=True),
    Column("slots", Integer, nullable=False),
    Column("started_at", Double, nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("good_until", Double, nullable=False),
)
"""Workers that live: a row is renewed together with the leases."""

step_times = Table(
    "step_times",
    metadata,
    Column("step", String(16), primary_key=True),
    Column("hour", Integer, primary_key=True, autoincrement=False),
    Column("runs", Integer, nullable=False),
    Column("seconds", Double, nullable=False),
)
"""Durations of all workers' steps, added up by the hour (unix seconds / 3600) of their report."""

shares = Table(
    "shares",
    metadata,
    Column("id", String(24), primary_key=True),
    Column("user_id", BigInteger, nullable=False),
    Column("upload_id", String(32), nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("downloads", Integer),
    Column("downloaded", Integer, nullable=False),
    Column("password_hash", String(128), nullable=False),
    Index("ix_shares_upload", "upload_id"),
    Index("ix_shares_user", "user_id", "created_at", "id"),
    Index("ix_shares_end", "expires_at"),
)
"""Links for receivers; the tokens in their addresses are not kept (``auth.share_tokens``)."""

share_receivers = Table(
    "share_receivers",
    metadata,
    Column("share_id", String(24), primary_key=True),
    Column("receiver", String(32), primary_key=True),
    Column("client", String(32), nullable=False),
    Column("seen_at", Double, nullable=False),
    Column("client_until", Double, nullable=False),
    Index("ix_receivers_client", "share_id", "client"),
    Index("ix_receivers_seen", "seen_at"),
)
"""Receivers that have begun a download and may continue it.

``client_until``: until when the client may continue that is known by address and program only.
"""

catalog_identity = Table(
    "catalog_identity", metadata, Column("identity", String(36), primary_key=True)
)
"""One row: the name by which an object store knows its catalog."""
