"""Places for heavy work: which job gets one, which waits, and what a video's facts and bytes allow."""

import pytest
from support.bench import Bench
from support.clock import FakeClock

from tusd_py.domain.ids import UserId
from tusd_py.domain.job import Job, JobState, Step
from tusd_py.domain.task import TaskStatus
from tusd_py.settings_media import MediaSettings
from worker.heavy_work import Deferred, HeavyWork
from worker.media.budget import LIGHT_CPU_SECONDS, allowed_cpu, estimated_cpu
from worker.media.probe import Probed
from worker.pipeline.attempt import Attempt
from worker.pipeline.engine import resume_point


@pytest.fixture
def bench(tmp_path, monkeypatch):  # type: ignore[no-untyped-def]
    made = Bench(tmp_path, monkeypatch)
    yield made
    made.ports.close()


def job_of(bench: Bench, user: int) -> Job:
    from dataclasses import replace

    return replace(bench.job(bench.submit(str(user).encode())), user_id=UserId(user))


def test_light_work_goes_on_while_every_place_is_taken(bench: Bench) -> None:
    work = HeavyWork(2, bench.clock)
    one, two, three = (job_of(bench, user) for user in (1, 2, 3))
    work.begin(one)
    assert not work.wait_until_full(0)
    work.begin(two)
    assert work.wait_until_full(0)
    with pytest.raises(Deferred):
        work.begin(three)
    work.end(one)
    assert not work.wait_until_full(0)
    work.begin(three)


def test_users_take_turns(bench: Bench) -> None:
    work = HeavyWork(1, bench.clock)
    one, other = job_of(bench, 1), job_of(bench, 2)
    work.begin(one)
    with pytest.raises(Deferred):
        work.begin(one)
    with pytest.raises(Deferred):
        work.begin(other)
    work.end(one)
    with pytest.raises(Deferred):
        work.begin(one)  # the other waits
    work.begin(other)
    work.end(other)
    work.begin(one)


def test_a_user_that_does_not_come_back_loses_the_turn(bench: Bench) -> None:
    clock = FakeClock()
    work = HeavyWork(1, clock)
    one, other = job_of(bench, 1), job_of(bench, 2)
    work.begin(one)
    with pytest.raises(Deferred) as deferred:
        work.begin(other)
    work.end(one)
    with pytest.raises(Deferred):
        work.begin(one)
    clock.advance(deferred.value.seconds + 60)
    work.begin(one)


def test_what_has_waited_long_is_looked_at_less_often(bench: Bench) -> None:
    work, job = HeavyWork(0, bench.clock), job_of(bench, 1)
    pauses = []
    for _ in range(3):
        with pytest.raises(Deferred) as deferred:
            work.begin(job)
        pauses.append(deferred.value.seconds)
        bench.clock.advance(1000)
    assert pauses == sorted(set(pauses))
    assert pauses[-1] <= 120


def test_a_deferred_job_waits_in_the_queue_uncounted_and_keeps_its_estimate(bench: Bench) -> None:
    task_id = bench.submit()

    def steps(attempt: Attempt) -> None:
        attempt.save(step=Step.INSPECT, cpu_seconds=100.0)
        raise Deferred(10.0)

    bench.take(steps)
    job = bench.job(task_id)
    assert (job.state, job.attempts, job.crash_count) == (JobState.QUEUED, 0, 0)
    assert 8 <= job.run_after - bench.clock.now() <= 12
    assert job.checkpoint.cpu_seconds == 100.0
    task = bench.ports.tasks.get(task_id)
    assert task is not None
    assert (task.message, task.status.terminal) == ("等待资源", False)

    seen: list[tuple[Step, float]] = []

    def again(attempt: Attempt) -> None:
        seen.append((resume_point(attempt), attempt.checkpoint.cpu_seconds))

    bench.clock.advance(20)
    from tusd_py.uploads.relay import relay_outbox

    relay_outbox(bench.ports.catalog, bench.ports.queue)
    bench.take(again)
    assert seen == [(Step.INSPECT, 100.0)]


def test_a_place_is_given_back_however_an_attempt_ends(bench: Bench) -> None:
    def steps(attempt: Attempt) -> None:
        attempt.begin_heavy()
        attempt.begin_heavy()
        assert bench.consumer.wait_until_all_heavy(0)
        raise ValueError("a bug")

    bench.submit()
    bench.take(steps)
    assert not bench.consumer.wait_until_all_heavy(0)


def test_heavy_work_without_a_place_is_put_off_before_its_source_is_read(bench: Bench) -> None:
    task_id = bench.submit()

    def heavy(attempt: Attempt) -> None:
        attempt.save(step=Step.INSPECT, cpu_seconds=LIGHT_CPU_SECONDS + 1)
        raise Deferred(0.0)

    bench.take(heavy)
    bench.ports.stores.core.delete(task_id)
    bench.consumer._heavy_work._places = 0
    from tusd_py.uploads.relay import relay_outbox
    from worker import consumer
    from worker.pipeline.engine import run_steps

    relay_outbox(bench.ports.catalog, bench.ports.queue)
    bench._patch.setattr(consumer, "run_steps", run_steps)
    bench.take()
    assert bench.job(task_id).state is JobState.QUEUED
    assert bench.ports.tasks.get(task_id).status is TaskStatus.PROCESSING  # type: ignore[union-attr]


FILM = Probed(
    duration=7200.0, has_video=True, has_audio=True, width=1920, height=1080, frames=7200 * 24
)


def test_a_film_of_two_hours_is_within_the_budget() -> None:
    media = MediaSettings()
    estimate = estimated_cpu(FILM, "veryfast")
    assert estimate is not None
    assert estimate < allowed_cpu(media, 1 << 30) == media.cpu_budget


@pytest.mark.parametrize(
    ("probed", "expected"),
    [
        (Probed(duration=10.0, has_video=True, has_audio=False, width=840, height=1000), 3.0),
        (
            Probed(
                duration=10.0, has_video=True, has_audio=False, width=840, height=1000, frame_rate=60.0
            ),
            6.0,
        ),
        (
            Probed(
                duration=None, has_video=True, has_audio=False, width=840, height=1000, frames=100
            ),
            1.0,
        ),
        (Probed(duration=None, has_video=True, has_audio=False, width=840, height=1000), None),
    ],
)  # fmt: skip
def test_the_estimate_follows_from_a_videos_own_facts(
    probed: Probed, expected: float | None
) -> None:
    assert estimated_cpu(probed, "veryfast") == (expected and pytest.approx(expected))


def test_a_small_file_is_allowed_little() -> None:
    media = MediaSettings()
    assert allowed_cpu(media, 0) == 60.0
    assert allowed_cpu(media, 10 << 20) == 660.0
    assert allowed_cpu(MediaSettings(cpu_budget=30.0), 1 << 40) == 30.0
