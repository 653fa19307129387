"""Tests of programs that run together and share their effects."""

from collections.abc import Sequence
from typing import Any

import pytest

from tusd_py.catalog.values import Result, capture
from tusd_py.domain.errors import BackendError, HashMismatch, StorageDamaged
from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import TaskChange, TaskFacts, TaskStatus
from tusd_py.uploads.programs import (
    EffectKind,
    Program,
    commit,
    execute,
    execute_all,
    fsync,
    notify,
)

FACTS = TaskFacts(
    task_id=UploadId("0" * 32), user_id=UserId(1), filename="a", file_size=1, created_at=0.0
)
CHANGE = TaskChange(status=TaskStatus.PENDING, progress=0)


class Groups:
    """Does the effects as an upload context does, and records which came together."""

    def __init__(self) -> None:
        self.seen: list[tuple[EffectKind, int]] = []
        self.log: list[str] = []
        self.catalog_is_away = False

    def together(self, kind: EffectKind, items: Sequence[Any]) -> Sequence[Result]:
        self.seen.append((kind, len(items)))
        if kind is EffectKind.NOTIFY:
            return [Result()] * len(items)
        if kind is EffectKind.COMMIT and self.catalog_is_away:
            return [Result(error=BackendError())] * len(items)
        return [capture(work) for work in items]

    def upload(self, name: str, *, syncs: bool = True) -> Program[str]:
        self.log.append(f"{name} written")
        if syncs:
            yield from fsync(lambda: self.log.append(f"{name} synced"))
        number = yield from commit(lambda: len(self.log))
        yield from notify(FACTS, CHANGE)
        return f"{name} {number}"


def test_programs_share_a_sync_a_commit_and_a_notification() -> None:
    groups = Groups()
    results = execute_all(
        [groups.upload("a"), groups.upload("b", syncs=False), groups.upload("c")], groups.together
    )
    assert groups.seen == [(EffectKind.FSYNC, 2), (EffectKind.COMMIT, 3), (EffectKind.NOTIFY, 3)]
    assert groups.log == ["a written", "b written", "c written", "a synced", "c synced"]
    assert [done.result() for done in results] == ["a 5", "b 5", "c 5"]


def test_an_error_of_one_program_does_not_affect_the_others() -> None:
    def fails_at_once() -> Program[None]:
        raise HashMismatch
        yield from fsync(int)

    def fails_at_the_disk() -> Program[None]:
        def break_() -> None:
            raise StorageDamaged

        yield from fsync(break_)
        pytest.fail("nothing follows a sync that failed")

    groups = Groups()
    results = execute_all(
        [fails_at_once(), groups.upload("a"), fails_at_the_disk()], groups.together
    )
    assert [type(done.error) for done in results] == [HashMismatch, type(None), StorageDamaged]
    assert results[1].value == "a 2"


def test_a_program_can_clean_up_after_an_effect_that_failed() -> None:
    closed: list[str] = []

    def careful() -> Program[None]:
        try:
            yield from commit(lambda: None)
        finally:
            closed.append("closed")

    groups = Groups()
    groups.catalog_is_away = True
    with pytest.raises(BackendError):
        execute(careful(), groups.together)
    assert closed == ["closed"]


def test_a_second_commit_does_not_wait_for_programs_that_have_ended() -> None:
    def twice() -> Program[int]:
        first = yield from commit(lambda: 1)
        second = yield from commit(lambda: first + 1)
        return second

    groups = Groups()
    results = execute_all([twice(), groups.upload("a", syncs=False)], groups.together)
    assert [done.result() for done in results] == [2, "a 1"]
    assert groups.seen == [(EffectKind.COMMIT, 2), (EffectKind.COMMIT, 1), (EffectKind.NOTIFY, 1)]
