"""Implements the port ``ShareRepository`` in SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from typing_extensions import override

from tusd_py.catalog.database import Transactions
from tusd_py.catalog.ports.shares import KEPT_SECONDS, ShareRepository
from tusd_py.catalog.schema import share_receivers, shares, uploads
from tusd_py.clock import Clock
from tusd_py.domain.errors import TooManyShares, UploadUnfinished
from tusd_py.domain.ids import ShareId, UploadId, UserId
from tusd_py.domain.share import CONTINUE_SECONDS, GRACE_SECONDS, Admission, Receiver, Share
from tusd_py.domain.upload import UploadState

RENEW_SECONDS: Final = 60.0
"""Age at which the time of a receiver's last request is written again.

A player sends many requests for parts.
"""
_WITH_NAME: Final = select(shares, uploads.c.filename).join(
    uploads, uploads.c.id == shares.c.upload_id
)


def end_shares(connection: Connection, upload_id: UploadId) -> None:
    """End all shares of an upload."""
    _remove(connection, shares.c.upload_id == upload_id)


class SqlShares(ShareRepository):
    """Keeps shares in SQL."""

    def __init__(self, database: Transactions, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @override
    def add(self, share: Share, *, seconds: float, limit: int) -> Share:
        now = self._clock.now()
        timed = replace(share, created_at=now, expires_at=now + seconds)

        def recorded(connection: Connection) -> bool | None:
            this = select(shares.c.id).where(shares.c.id == share.id)
            return connection.execute(this).first() is not None or None

        def work(connection: Connection) -> bool:
            _add(connection, timed, limit)
            return True

        self._database.write(work, settled=recorded)
        return timed

    @override
    def get(self, share_id: ShareId) -> Share | None:
        statement = _WITH_NAME.where(shares.c.id == share_id, self._is_live())
        row = self._database.read(lambda c: c.execute(statement).mappings().first())
        return None if row is None else Share(**row)

    @override
    def of_user(
        self, user_id: UserId, *, upload_id: UploadId | None, limit: int
    ) -> Sequence[Share]:
        statement = _WITH_NAME.where(shares.c.user_id == user_id, self._is_live())
        if upload_id is not None:
            statement = statement.where(shares.c.upload_id == upload_id)
        newest = statement.order_by(shares.c.created_at.desc(), shares.c.id.desc()).limit(limit)
        return self._database.read(lambda c: [Share(**row) for row in c.execute(newest).mappings()])

    @override
    def revoke(self, user_id: UserId, share_id: ShareId) -> bool:
        this = and_(shares.c.id == share_id, shares.c.user_id == user_id, self._is_live())
        return self._database.write(lambda c: _remove(c, this) == 1)

    @override
    def may_continue(self, share_id: ShareId, receiver: Receiver, *, is_later_part: bool) -> bool:
        now = self._clock.now()
        condition = _may_continue(share_id, receiver, now, as_client=is_later_part)
        statement = select(share_receivers.c.receiver).where(condition).limit(1)
        return self._database.read(lambda c: c.execute(statement).first() is not None)

    @override
    def admit(self, share_id: ShareId, receiver: Receiver, *, is_later_part: bool) -> Admission:
        now = self._clock.now()
        known = _may_continue(share_id, receiver, now, as_client=is_later_part)
        live = and_(shares.c.id == share_id, self._is_live())
        is_fresh = share_receivers.c.seen_at > now - RENEW_SECONDS
        fresh = select(share_receivers.c.receiver).join(shares, live).where(known, is_fresh)
        if self._database.read(lambda c: c.execute(fresh.limit(1)).first()):
            return Admission.CONTINUED
        new = {
            "share_id": share_id,
            "receiver": receiver.key,
            "client": receiver.client,
            "seen_at": now,
            "client_until": now + CONTINUE_SECONDS,
        }
        return self._database.write(lambda c: _admit(c, live, known, new))

    @override
    def all_sent(self, share_id: ShareId, receiver: Receiver) -> None:
        until = self._clock.now() + GRACE_SECONDS
        table = share_receivers
        statement = (
            update(table)
            .where(
                table.c.share_id == share_id,
                table.c.client == receiver.client,
                table.c.client_until > until,
            )
            .values(client_until=until)
        )
        self._database.write(lambda c: c.execute(statement))

    @override
    def remove_ended(self) -> None:
        now = self._clock.now()
        ended = shares.c.expires_at < now - KEPT_SECONDS
        silent = share_receivers.c.seen_at < now - CONTINUE_SECONDS
        found = (
            select(shares.c.id)
            .where(ended)
            .union_all(select(share_receivers.c.share_id).where(silent))
        )

        def work(connection: Connection) -> None:
            connection.execute(delete(share_receivers).where(silent))
            _remove(connection, ended)

        if self._database.read(lambda c: c.execute(found.limit(1)).first()):
            self._database.write(work)

    def _is_live(self) -> ColumnElement[bool]:
        return shares.c.expires_at > self._clock.now()


def _add(connection: Connection, share: Share, limit: int) -> None:
    # The upload can't be closed, and no other share of it be added, until this is committed.
    stored = (
        select(uploads.c.file_identity)
        .where(uploads.c.id == share.upload_id, uploads.c.state == UploadState.FINISHED.value)
        .with_for_update()
    )
    if connection.execute(stored).scalar() is None:
        raise UploadUnfinished
    same = shares.c.upload_id == share.upload_id, shares.c.expires_at > share.created_at
    live = select(func.count()).select_from(shares).where(*same)
    if connection.execute(live).scalar_one() >= limit:
        raise TooManyShares(limit)
    connection.execute(
        insert(shares).values(
            id=share.id,
            user_id=share.user_id,
            upload_id=share.upload_id,
            created_at=share.created_at,
            expires_at=share.expires_at,
            downloads=share.downloads,
            downloaded=share.downloaded,
            password_hash=share.password_hash,
        )
    )


def _may_continue(
    share_id: ShareId, receiver: Receiver, now: float, *, as_client: bool
) -> ColumnElement[bool]:
    table = share_receivers
    ways = [and_(table.c.receiver == receiver.key, table.c.seen_at > now - CONTINUE_SECONDS)]
    if as_client and receiver.client:
        ways.append(and_(table.c.client == receiver.client, table.c.client_until > now))
    return and_(table.c.share_id == share_id, or_(*ways))


def _admit(
    connection: Connection,
    live: ColumnElement[bool],
    known: ColumnElement[bool],
    new: Mapping[str, Any],
) -> Admission:
    """Count a receiver, unless it is known.

    Args: live: the condition of the share while it lives; known: that of a receiver that continues;
        new: the row of a receiver that begins.
    """
    # Requests for the same share follow one another from here on.
    row = connection.execute(select(shares).where(live).with_for_update()).mappings().first()
    if row is None:
        return Admission.ENDED
    table = share_receivers
    seen = update(table).where(known).values(seen_at=new["seen_at"])
    if connection.execute(seen).rowcount:
        return Admission.CONTINUED
    if row["downloads"] is not None and row["downloaded"] >= row["downloads"]:
        return Admission.USED_UP
    counted = update(shares).where(shares.c.id == row["id"])
    connection.execute(counted.values(downloaded=shares.c.downloaded + 1))
    earlier = table.c.share_id == row["id"], table.c.receiver == new["receiver"]
    connection.execute(delete(table).where(*earlier))
    connection.execute(insert(table), new)
    return Admission.BEGUN


def _remove(connection: Connection, condition: ColumnElement[bool]) -> int:
    """Remove shares with their receivers. Return how many shares."""
    found = connection.execute(select(shares.c.id).where(condition)).scalars().all()
    if not found:
        return 0
    connection.execute(delete(share_receivers).where(share_receivers.c.share_id.in_(found)))
    removed: int = connection.execute(delete(shares).where(shares.c.id.in_(found))).rowcount
    return removed
