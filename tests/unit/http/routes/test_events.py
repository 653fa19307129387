"""Tests from which state a client continues that reconnects."""

from dataclasses import replace

import pytest

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import Task, TaskFacts, TaskStatus
from tusd_py.http.routes.events import last_seen, time_seen
from tusd_py.tasks.from_records import EPOCH

FACTS = TaskFacts(
    task_id=UploadId("a" * 32), user_id=UserId(1), filename="a", file_size=1, created_at=1.0
)
HALF = Task(
    facts=FACTS, status=TaskStatus.COMPRESSING, progress=45, message="", attempt=1,
    epoch="abc", seq=12, updated_at=1.0,
)  # fmt: skip


@pytest.mark.parametrize(
    ("header", "seen"),
    [
        ("abc.12", ("abc", 12)),
        ("abc.11", ("abc", 11)),
        ("abc.13", None),
        ("def.12", None),
        ("0.1", None),
        ("rubbish", None),
        (None, None),
    ],
)
def test_a_client_that_reconnects_has_the_events_of_this_epoch_of_the_view(
    header: str | None, seen: tuple[str, int] | None
) -> None:
    assert last_seen(header, HALF) == seen


def test_the_record_does_not_set_back_a_client_that_has_seen_the_view() -> None:
    """While the view is away, the record shows a compressing task as received."""
    recorded = replace(HALF, status=TaskStatus.RECEIVED, progress=10, epoch=EPOCH, seq=1)
    assert last_seen("abc.12", recorded) == ("abc", 12)
    assert last_seen("0.1", recorded) == ("0", 1)
    assert last_seen("0.2", recorded) is None


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0.0.1795867200123", 1795867200.123),
        ("5f0c2a91.7.1795867200000", 1795867200.0),
        ("5f0c2a91.7", None),
        ("5f0c2a91.7.", None),
        ("5f0c2a91.7.1.2", None),
        ("5f0c2a91.7.-1", None),
        (f"0.0.{'9' * 15}", None),
        ("", None),
        (None, None),
    ],
)
def test_the_id_of_a_users_stream_has_the_time(header: str | None, seconds: float | None) -> None:
    assert time_seen(header) == seconds
