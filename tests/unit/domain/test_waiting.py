"""Tests of the number of jobs before a waiting one."""

import pytest
from support.ids import fresh_id

from tusd_py.domain.ids import UserId
from tusd_py.domain.job_lane import JobLane
from tusd_py.domain.waiting import WaitingJob, WaitingLine, jobs_before

HEAVY = JobLane.HEAVY


def line(user: int, waiting: int, **values: float) -> WaitingLine:
    return WaitingLine(
        lane=HEAVY, user_id=UserId(user), waiting=waiting, priority=int(values.get("priority", 0)),
        running=int(values.get("running", 0)), served_at=values.get("served_at", 0.0),
    )  # fmt: skip


def before(place: int, mine: WaitingLine, *others: WaitingLine) -> int:
    return jobs_before(WaitingJob(task_id=fresh_id(), lane=HEAVY, place=place), mine, others)


def test_without_other_users_only_own_jobs_are_before() -> None:
    assert before(7, line(1, 100)) == 7


@pytest.mark.parametrize(
    ("place", "other", "expected"),
    [
        (0, line(2, 100), 0),
        (0, line(2, 100, running=1), 0),
        (3, line(2, 100), 6),
        (3, line(2, 2), 5),
        (0, line(2, 100, priority=1), 100),
        (5, line(2, 100, priority=-1), 5),
    ],
    ids=["next", "the other runs", "turns", "the other ends", "higher", "lower"],
)
def test_users_take_turns(place: int, other: WaitingLine, expected: int) -> None:
    assert before(place, line(1, 10), other) == expected


def test_the_user_whose_turn_was_earlier_is_before() -> None:
    assert before(0, line(1, 1, served_at=5.0), line(2, 9, served_at=1.0), line(3, 9)) == 2
    assert before(0, line(1, 1, running=1), line(2, 9)) == 1
