"""Implements the port ``OwnershipRepository`` in SQL."""

import hmac
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, delete, distinct, func, insert, select, update
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.instant import finish_instant
from tusd_py.catalog.objects import hold_object
from tusd_py.catalog.ports.ownership import OwnershipRepository
from tusd_py.catalog.rows import NAME_CHARACTERS, file_of
from tusd_py.catalog.schema import (
    possession_challenges,
    possession_questions,
    renditions,
    repository_pool,
)
from tusd_py.catalog.shared import pool_file
from tusd_py.catalog.upload_rows import find_upload
from tusd_py.catalog.values import HOUR
from tusd_py.clock import Clock
from tusd_py.domain.file import File
from tusd_py.domain.ids import owner_scope
from tusd_py.domain.ownership_proof import (
    ANSWER_SECONDS,
    TRIES,
    TRIES_SECONDS,
    TRYING_USERS,
    Question,
    Terms,
)
from tusd_py.domain.type_rules import fits_name
from tusd_py.domain.upload import Upload

_NONE: Final = -1


class SqlOwnership(OwnershipRepository):
    """Keeps questions and challenges, and gives what a proof earns, in SQL."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def questions(self, file_hash: str) -> int:
        table = possession_questions
        statement = select(func.count()).select_from(table).where(table.c.file_hash == file_hash)
        return self._database.read(lambda c: c.execute(statement).scalar_one())

    @override
    def add_questions(self, file_hash: str, questions: Sequence[Question]) -> None:
        rows = [
            {"file_hash": file_hash, "nonce": each.nonce, "answer": each.answer}
            for each in questions
        ]
        self._database.write(lambda c: c.execute(insert(possession_questions), rows))

    @override
    def challenge(self, upload: Upload, terms: Terms, decoy: Question) -> bytes:
        now = self._clock.now()
        return self._database.write(lambda c: _challenge(c, upload, terms, decoy, now))

    @override
    def prove(self, upload: Upload, terms: Terms, answer: bytes) -> File | None:
        now = self._clock.now()

        def proven(connection: Connection) -> File | None:
            current = find_upload(connection, upload.id)
            done = current is not None and current.instant
            scope = owner_scope(upload.user_id)
            return pool_file(connection, scope, upload.declared_hash or "") if done else None

        return self._database.write(lambda c: _prove(c, upload, terms, answer, now), settled=proven)


def _challenge(
    connection: Connection, upload: Upload, terms: Terms, decoy: Question, now: float
) -> bytes:
    """Write a challenge by the same statements whether there is a file to gain or not."""
    table = possession_challenges
    mine = table.c.user_id == upload.user_id
    connection.execute(delete(table).where(mine, table.c.made_at < now - TRIES_SECONDS))
    recent = _count(connection, mine, table.c.made_at >= now - HOUR)
    may_try = recent < terms.challenges_per_hour and _may_try(connection, upload, now)
    held = _candidate(connection, upload, terms) is not None
    drawn = _question(connection, upload)
    posed = drawn if held and may_try else None
    questions = possession_questions
    connection.execute(delete(questions).where(questions.c.id == (posed["id"] if posed else _NONE)))
    nonce, answer = (posed["nonce"], posed["answer"]) if posed else (decoy.nonce, decoy.answer)
    connection.execute(
        insert(table).values(
            upload_id=upload.id,
            user_id=upload.user_id,
            # A decoy has no answer, so it does not count as a try.
            file_hash=upload.declared_hash if posed else "",
            nonce=nonce,
            answer=answer,
            used=False,
            made_at=now,
        )
    )
    return bytes(nonce)


def _may_try(connection: Connection, upload: Upload, now: float) -> bool:
    """Return whether this content has not been tried too often.

    Each try raises the odds of a user who has only a part of the content. Tries with a right answer
    are not kept, so they do not count.
    """
    table = possession_challenges
    this = table.c.file_hash == upload.declared_hash, table.c.made_at >= now - TRIES_SECONDS
    others = select(func.count(distinct(table.c.user_id))).where(
        *this, table.c.user_id != upload.user_id
    )
    own = _count(connection, *this, table.c.user_id == upload.user_id)
    return own < TRIES and connection.execute(others).scalar_one() < TRYING_USERS


def _count(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    statement = select(func.count()).select_from(possession_challenges).where(*conditions)
    found: int = connection.execute(statement).scalar_one()
    return found


def _question(connection: Connection, upload: Upload) -> Any:  # noqa: ANN401
    table = possession_questions
    statement = (
        select(table)
        .where(table.c.file_hash == upload.declared_hash)
        .order_by(table.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    return connection.execute(statement).mappings().first()


def _candidate(connection: Connection, upload: Upload, terms: Terms) -> Any:  # noqa: ANN401
    """Return a file of another owner that a proof would give; it is locked, so that it stays."""
    pool = repository_pool
    statement = select(pool).where(
        pool.c.hash == upload.declared_hash,
        pool.c.size == upload.length,
        pool.c.scope != owner_scope(upload.user_id),
    )
    if terms.tenant is not None:
        statement = statement.where(pool.c.tenant == terms.tenant)
    found = statement.order_by(pool.c.id).with_for_update()
    rows = connection.execute(found).mappings().all()
    name = terms.filename
    fitting = [row for row in rows if name is None or fits_name(name, file_of(row))]
    return fitting[0] if fitting and len(rows) >= terms.owners else None


def _prove(
    connection: Connection, upload: Upload, terms: Terms, answer: bytes, now: float
) -> File | None:
    if not _answered(connection, upload, answer, now):
        return None
    held = _candidate(connection, upload, terms)
    if held is None:
        return None
    of_held = select(renditions).where(renditions.c.identity == held["identity"])
    others = [dict(row) for row in connection.execute(of_held).mappings()]
    for key in (held["object_key"], *(row["object_key"] for row in others)):
        if not hold_object(connection, key, now):
            return None
    scope = owner_scope(upload.user_id)
    mine = select(repository_pool.c.id).where(
        repository_pool.c.scope == scope, repository_pool.c.hash == upload.declared_hash
    )
    if connection.execute(mine).first() is None:
        copied = {name: held[name] for name in held if name != "id"}
        identity = str(uuid4())
        own = {
            "identity": identity,
            "scope": scope,
            "tenant": upload.tenant,
            # The user's own name of the file: names that others gave are private.
            "name": upload.filename[:NAME_CHARACTERS],
            "created_at": now,
        }
        connection.execute(insert(repository_pool).values(**{**copied, **own}))
        rows = [{**row, "id": None, "identity": identity} for row in others]
        if rows:
            connection.execute(insert(renditions), rows)
    return finish_instant(connection, upload, scope, now)


def _answered(connection: Connection, upload: Upload, answer: bytes, now: float) -> bool:
    """Use up the last challenge. Return whether this first answer to it is right and in time."""
    table = possession_challenges
    statement = (
        select(table)
        .where(table.c.upload_id == upload.id)
        .order_by(table.c.id.desc())
        .limit(1)
        .with_for_update()
    )
    row = connection.execute(statement).mappings().first()
    if row is None or row["used"]:
        return False
    right = hmac.compare_digest(bytes(row["answer"]), answer)
    taken = right and now <= row["made_at"] + ANSWER_SECONDS
    this = table.c.id == row["id"]
    if taken:
        connection.execute(delete(table).where(this))
    else:
        connection.execute(update(table).where(this).values(used=True))
    return taken
