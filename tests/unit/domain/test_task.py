from hypothesis import given
from hypothesis import strategies as st

from tusd_py.domain.ids import UploadId, UserId
from tusd_py.domain.task import STATUS_TEXTS, Task, TaskChange, TaskFacts, TaskStatus, advance

FACTS = TaskFacts(
    task_id=UploadId("a" * 32), user_id=UserId(1), filename="", file_size=1, created_at=0.0
)
S = TaskStatus


def run(*changes: TaskChange) -> list[Task | None]:
    task: Task | None = None
    shown = []
    for change in changes:
        after = advance(task, FACTS, change, epoch="e", now=1.0)
        shown.append(after)
        task = after or task
    return shown


def step(status: TaskStatus, progress: int, attempt: int = 1, **values: object) -> TaskChange:
    return TaskChange(status=status, progress=progress, attempt=attempt, **values)  # type: ignore[arg-type]


def test_texts_are_those_of_the_original_api() -> None:
    assert [text for _, text in STATUS_TEXTS.items()] == [
        "等待处理", "文件已接收", "正在处理", "视频压缩中", "上传到云端", "上传完成", "上传失败",
    ]  # fmt: skip


def test_a_failed_task_shows_zero_and_a_retry_keeps_its_progress() -> None:
    """Hole 7."""
    *_, failed, again = run(
        step(S.COMPRESSING, 45),
        step(S.FAILED, 0, error_code="x"),
        step(S.PROCESSING, 20, 2, reopen=True),
    )
    assert failed is not None
    assert (failed.progress, failed.last_progress, failed.error_code) == (0, 45, "x")
    assert again is not None
    assert (again.progress, again.error_code, again.status) == (45, "", S.PROCESSING)


def test_a_finished_task_does_not_change() -> None:
    shown = run(
        step(S.COMPLETED, 100),
        step(S.FAILED, 0, 2),
        step(S.PROCESSING, 20, 3, reopen=True),
        step(S.COMPLETED, 100, 4),
    )
    assert shown[1:] == [None, None, None]


def test_a_completed_task_shows_the_result_of_a_reprocessing() -> None:
    shown = run(
        step(S.COMPLETED, 100, 1, oss_path="/a"),
        step(S.COMPLETED, 100, 1, again=True, oss_path="/a"),
        step(S.COMPRESSING, 40, 2, again=True),
        step(S.FAILED, 0, 2, again=True),
        step(S.COMPLETED, 100, 2, again=True, oss_path="/b"),
        step(S.COMPLETED, 100, 2, again=True, oss_path="/c"),
        step(S.COMPLETED, 100, 1, again=True, oss_path="/d"),
    )
    assert [task and task.oss_path for task in shown] == ["/a", None, None, None, "/b", "/c", None]


def test_a_failed_task_is_not_reopened_by_its_own_attempt_or_an_older_one() -> None:
    shown = run(
        step(S.FAILED, 0, 2), step(S.PROCESSING, 20, 2, reopen=True), step(S.COMPLETED, 100, 1)
    )
    assert shown[1:] == [None, None]


def test_a_newer_attempt_is_recorded_at_once_and_the_older_one_is_refused() -> None:
    """This holds while the progress of the newer one is below that of the older one."""
    shown = run(step(S.COMPRESSING, 50, 1), step(S.PROCESSING, 20, 2), step(S.COMPRESSING, 51, 1))
    assert shown[1] is not None
    assert (shown[1].attempt, shown[1].progress) == (2, 50)
    assert shown[2] is None


CHANGES = st.lists(
    st.builds(
        step,
        st.sampled_from(list(TaskStatus)),
        st.integers(0, 100),
        st.integers(0, 4),
        reopen=st.booleans(),
    ),
    max_size=30,
)


@given(CHANGES)
def test_any_interleaving_keeps_the_rules(changes: list[TaskChange]) -> None:
    task: Task | None = None
    for change in changes:
        after = advance(task, FACTS, change, epoch="e", now=1.0)
        if after is None:
            assert task is not None
            continue
        if task is not None:
            assert after.seq == task.seq + 1
            assert after.attempt >= task.attempt
            if task.status.terminal:
                assert task.status is S.FAILED
                assert change.reopen
                assert after.attempt > task.attempt
            elif after.attempt == task.attempt and not after.status.terminal:
                assert after.status.rank >= task.status.rank
            if after.status is not S.FAILED:
                assert after.progress >= max(task.progress, task.last_progress)
        task = after
