"""Finds the next job: each user has a line of waiting jobs in each lane, and the lines take turns.

A row of ``job_lines`` holds whether jobs wait in the line, when the first of them is due, their
highest priority, and when the line was served last. A claim reads the first entry of two indexes,
not the jobs that wait.

Rule 1: code that queues a job calls ``join_line`` in the same transaction. A row may promise too
much, for example because its job was cancelled: the claim that finds nothing corrects it. It never
promises too little; if it does, for example after a database was edited by hand, ``restore_lines``
corrects it.
Rule 2: a claim holds its line's row until it commits. So claims of one line follow each other, and
none exceeds the limit of a user.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Connection,
    Double,
    Integer,
    and_,
    bindparam,
    case,
    false,
    func,
    insert,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from tusd_py.catalog.fast_statement import FastStatement
from tusd_py.catalog.outbox import add_message
from tusd_py.catalog.rows import job_of, reversed_priority
from tusd_py.catalog.schema import job_lines, jobs
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.job import Job, JobState
from tusd_py.domain.job_lane import JobLane

CLOCKS_APART_SECONDS: Final = 1.0
"""A job counts as due this long before its time.

The clock of the process that queued it may be ahead of the clock of the one that takes it.
"""

_QUEUED: Final = jobs.c.state == JobState.QUEUED.value
_RUNNING: Final = jobs.c.state == JobState.RUNNING.value
_DUE: Final = bindparam("due", type_=Double)
_PRECEDENCE: Final = bindparam("of_precedence", type_=Integer)
_JOIN: Final = FastStatement(
    update(job_lines)
    .where(job_lines.c.lane == bindparam("of_lane"), job_lines.c.user_id == bindparam("of_user"))
    # MySQL assigns in this order, and each expression sees what was assigned before it.
    .ordered_values(
        (
            job_lines.c.due_at,
            case(
                (and_(job_lines.c.waiting, job_lines.c.due_at < _DUE), job_lines.c.due_at),
                else_=_DUE,
            ),
        ),
        (
            job_lines.c.precedence,
            case(
                (
                    and_(job_lines.c.waiting, job_lines.c.precedence < _PRECEDENCE),
                    job_lines.c.precedence,
                ),
                else_=_PRECEDENCE,
            ),
        ),
        (job_lines.c.waiting, True),
    )
)
_FIRST_JOB: Final = (
    select(jobs.c.task_id, jobs.c.precedence, jobs.c.run_after)
    .where(
        _QUEUED,
        jobs.c.lane == bindparam("of_lane"),
        jobs.c.user_id == bindparam("of_user"),
        jobs.c.precedence > bindparam("beyond"),
    )
    .order_by(jobs.c.precedence, jobs.c.run_after)
    .limit(1)
)
_BEFORE_ALL: Final = -(1 << 30)
_ANY_LINE: Final = FastStatement(
    select(job_lines.c.user_id)
    .where(
        job_lines.c.lane == bindparam("of_lane"),
        job_lines.c.waiting == true(),
        job_lines.c.due_at <= _DUE,
    )
    .limit(1)
)


class UserLine(NamedTuple):
    """Holds a row of ``job_lines``."""

    lane: str
    user_id: int
    waiting: bool
    priority: int
    due_at: float
    served_at: float


class FirstJob(NamedTuple):
    """Names the job that is due first of those of one priority in a line."""

    task_id: str
    priority: int
    run_after: float


_LINE: Final = select(
    job_lines.c.lane,
    job_lines.c.user_id,
    job_lines.c.waiting,
    job_lines.c.precedence,
    job_lines.c.due_at,
    job_lines.c.served_at,
)
Key = tuple[str, int]
"""Lane and user, which name a line."""


def join_line(
    connection: Connection, lane: JobLane, user_id: UserId, *, due_at: float, priority: int
) -> None:
    """Record that a job waits in the user's line from ``due_at`` on (unix seconds)."""
    precedence = reversed_priority(priority)
    values = {"of_lane": str(lane), "of_user": user_id, "due": due_at, "of_precedence": precedence}
    if _JOIN.run(connection, values):
        return
    row = {
        "lane": lane.value,
        "user_id": user_id,
        "waiting": True,
        "precedence": precedence,
        "due_at": due_at,
        "served_at": 0.0,
    }
    with suppress(IntegrityError), connection.begin_nested():
        connection.execute(insert(job_lines), row)
        return
    _JOIN.run(connection, values)


def wait_in_line(connection: Connection, task_id: UploadId, due_at: float) -> None:
    """Let a job that is queued again wait in its user's line, and add a message for its time."""
    columns = (jobs.c.lane, jobs.c.user_id, jobs.c.precedence, jobs.c.run_after)
    lane, user_id, precedence, run_after = connection.execute(
        select(*columns).where(jobs.c.task_id == task_id)
    ).one()
    add_message(connection, task_id, due_at=due_at)
    priority = reversed_priority(precedence)
    join_line(connection, JobLane(lane), user_id, due_at=run_after, priority=priority)


def restore_lines(connection: Connection) -> int:
    """Mark lines with queued jobs as waiting. Return the number of lines that were not marked."""
    user_lines = (
        select(
            jobs.c.lane,
            jobs.c.user_id,
            func.min(jobs.c.run_after).label("run_after"),
            func.min(jobs.c.precedence).label("precedence"),
        )
        .where(_QUEUED)
        .group_by(jobs.c.lane, jobs.c.user_id)
        .subquery()
    )
    of_user = and_(
        job_lines.c.lane == user_lines.c.lane, job_lines.c.user_id == user_lines.c.user_id
    )
    promises_too_little = or_(
        job_lines.c.lane.is_(None),
        job_lines.c.waiting == false(),
        job_lines.c.due_at > user_lines.c.run_after,
    )
    statement = select(user_lines).join(job_lines, of_user, isouter=True).where(promises_too_little)
    lost = connection.execute(statement).all()
    for lane, user_id, run_after, precedence in lost:
        priority = reversed_priority(precedence)
        join_line(connection, JobLane(lane), UserId(user_id), due_at=run_after, priority=priority)
    return len(lost)


def is_any_due(connection: Connection, lanes: Sequence[JobLane], now: float, per_user: int) -> bool:
    """Return whether a claim would find a line to examine. Lock nothing.

    Idle workers call it several times a second, so without a waiting job it must cost little.
    """
    due = now + CLOCKS_APART_SECONDS
    if not any(_ANY_LINE.first(connection, {"of_lane": lane.value, "due": due}) for lane in lanes):
        return False
    return _fairest(connection, lanes, now, per_user, passed=set()) is not None


def claim_next(
    connection: Connection,
    lanes: Sequence[JobLane],
    *,
    owner: str,
    now: float,
    until: float,
    per_user: int,
) -> Job | None:
    """Claim the fairest due job: see ``JobRepository.claim_next``."""
    passed: set[Key] = set()
    while (fairest := _fairest(connection, lanes, now, per_user, passed)) is not None:
        key = (fairest.lane, fairest.user_id)
        line = _locked(connection, key)
        if line != fairest:
            # Another claim took it meanwhile, so it may not be the fairest any longer.
            continue
        if per_user and _running_in(connection, key) >= per_user:
            passed.add(key)
            continue
        job = _claim(connection, key, owner=owner, now=now, until=until)
        _correct(connection, line, now, served_at=line.served_at if job is None else now)
        if job is not None:
            return job
        passed.add(key)
    return None


def _fairest(
    connection: Connection,
    lanes: Sequence[JobLane],
    now: float,
    per_user: int,
    passed: Collection[Key],
) -> UserLine | None:
    """Return the line that is next: by priority, running jobs, last turn and due time."""
    running = _running(connection)
    found: list[UserLine] = []
    for lane in lanes:
        mine = {user: count for (of, user), count in running.items() if of == lane.value}
        out = {user for of, user in passed if of == lane.value}
        busy = [user for user, count in mine.items() if not per_user or count < per_user]
        found += _first_line(connection, lane, now, except_for={*mine, *out})
        found += _lines_of(connection, lane, now, {*busy} - out)
    return min(
        found,
        key=lambda line: (
            -line.priority,
            running.get((line.lane, line.user_id), 0),
            line.served_at,
            line.due_at,
        ),
        default=None,
    )


def _running(connection: Connection) -> Mapping[Key, int]:
    statement = (
        select(jobs.c.lane, jobs.c.user_id, func.count())
        .where(_RUNNING)
        .group_by(jobs.c.lane, jobs.c.user_id)
    )
    return {(lane, user): count for lane, user, count in connection.execute(statement)}


def _running_in(connection: Connection, key: Key) -> int:
    lane, user = key
    statement = select(func.count()).where(_RUNNING, jobs.c.lane == lane, jobs.c.user_id == user)
    return connection.execute(statement).scalar_one()


def _first_line(
    connection: Connection, lane: JobLane, now: float, *, except_for: Collection[int]
) -> list[UserLine]:
    statement = (
        _LINE.where(
            job_lines.c.lane == lane.value,
            job_lines.c.waiting == true(),
            job_lines.c.due_at <= now + CLOCKS_APART_SECONDS,
            job_lines.c.user_id.not_in(sorted(except_for)),
        )
        .order_by(job_lines.c.precedence, job_lines.c.served_at, job_lines.c.due_at)
        .limit(1)
    )
    return [_line_of(row) for row in connection.execute(statement)]


def _lines_of(
    connection: Connection, lane: JobLane, now: float, users: Collection[int]
) -> list[UserLine]:
    if not users:
        return []
    # Without any other condition, the database uses the primary key.
    statement = _LINE.where(job_lines.c.lane == lane.value, job_lines.c.user_id.in_(sorted(users)))
    lines = [_line_of(row) for row in connection.execute(statement)]
    return [line for line in lines if line.waiting and line.due_at <= now + CLOCKS_APART_SECONDS]


def _locked(connection: Connection, key: Key) -> UserLine | None:
    lane, user = key
    statement = _LINE.where(job_lines.c.lane == lane, job_lines.c.user_id == user)
    row = connection.execute(statement.with_for_update()).first()
    return None if row is None else _line_of(row)


def _line_of(row: Sequence[Any]) -> UserLine:
    lane, user_id, waiting, precedence, due_at, served_at = row
    return UserLine(lane, user_id, waiting, reversed_priority(precedence), due_at, served_at)


def _claim(connection: Connection, key: Key, *, owner: str, now: float, until: float) -> Job | None:
    for task_id, _, run_after in _first_jobs(connection, key):
        if run_after > now + CLOCKS_APART_SECONDS:
            continue
        taken = connection.execute(
            update(jobs)
            .where(jobs.c.task_id == task_id, _QUEUED)
            .values(
                state=JobState.RUNNING.value,
                owner=owner,
                fence=jobs.c.fence + 1,
                lease_until=until,
                claimed_at=func.coalesce(jobs.c.claimed_at, now),
            )
        ).rowcount
        if taken == 1:
            row = connection.execute(select(jobs).where(jobs.c.task_id == task_id))
            return job_of(row.mappings().one())
        # The job was cancelled at this moment. The line is unchanged and is examined again.
    return None


def _first_jobs(connection: Connection, key: Key) -> list[FirstJob]:
    """Return the job that is due first for each priority in a line, the highest priority first."""
    lane, user = key
    heads: list[FirstJob] = []
    beyond = _BEFORE_ALL
    while True:
        values = {"of_lane": lane, "of_user": user, "beyond": beyond}
        row = connection.execute(_FIRST_JOB, values).first()
        if row is None:
            return heads
        task_id, beyond, run_after = row
        heads.append(FirstJob(task_id, reversed_priority(beyond), run_after))


def _correct(connection: Connection, line: UserLine, now: float, *, served_at: float) -> None:
    """Update the row to what waits in the line now."""
    heads = _first_jobs(connection, (line.lane, line.user_id))
    due = [head.priority for head in heads if head.run_after <= now]
    priority = max(due or [head.priority for head in heads], default=0)
    connection.execute(
        update(job_lines)
        .where(job_lines.c.lane == line.lane, job_lines.c.user_id == line.user_id)
        .values(
            waiting=bool(heads),
            due_at=min((head.run_after for head in heads), default=math.ceil(now)),
            precedence=reversed_priority(priority),
            served_at=served_at,
        )
    )
