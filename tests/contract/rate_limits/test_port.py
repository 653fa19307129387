"""Every rate limiter keeps these promises: a user is charged once, by one clock, at all servers."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.services import Redis, free_port
from support.siblings import siblings_in

from tusd_py.clock import SystemClock
from tusd_py.rate_limits import siblings
from tusd_py.rate_limits.local import LocalRateLimiter
from tusd_py.rate_limits.port import RateLimiter
from tusd_py.rate_limits.redis import RedisRateLimiter
from tusd_py.rate_limits.siblings import SiblingRateLimiter
from tusd_py.shared_table import ROWS

HOUR = 3600.0


@pytest.fixture(params=["local", "redis", "siblings"])
def meters(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[RateLimiter]]:
    """Return the limiters of two servers; in one process both are the same."""
    if request.param == "local":
        made: list[RateLimiter] = [LocalRateLimiter(SystemClock())] * 2
    elif request.param == "siblings":
        made = [SiblingRateLimiter(siblings_in(tmp_path, 0), SystemClock()) for _ in range(2)]
    else:
        server: Redis = request.getfixturevalue("redis_server")
        server.clear()
        made = [RedisRateLimiter(server.url, SystemClock()) for _ in range(2)]
    yield made
    for meter in made:
        meter.close()


def test_a_burst_has_a_limit(meters: list[RateLimiter]) -> None:
    def admitted(number: int) -> bool:
        return not meters[number % 2].try_acquire("requests:7", cost=HOUR / 20, burst=HOUR)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(admitted, range(60))) == 20
    assert admitted(0) is False
    assert meters[0].try_acquire("requests:8", cost=HOUR / 20, burst=HOUR) == 0.0, "another user"


def test_a_refused_request_gets_its_delay_and_is_not_charged(meters: list[RateLimiter]) -> None:
    first, second = meters
    assert first.try_acquire("k", cost=HOUR, burst=HOUR) == 0.0
    waits = [second.try_acquire("k", cost=HOUR, burst=HOUR) for _ in range(5)]
    assert all(HOUR - 60 < wait <= HOUR for wait in waits)


def test_what_is_charged_in_any_case_adds_up(meters: list[RateLimiter]) -> None:
    waits = [meters[n % 2].consume("bytes:7", cost=100.0, burst=1.0) for n in range(4)]
    for number, wait in enumerate(waits, 1):
        assert 100.0 * number - 61 < wait <= 100.0 * number
    assert 339 < meters[0].consume("bytes:7", cost=0.0, burst=1.0) <= 400


def test_what_is_given_back_can_be_taken_again(meters: list[RateLimiter]) -> None:
    first, second = meters
    for _ in range(3):
        assert first.try_acquire("k", cost=HOUR, burst=HOUR) == 0.0
        assert second.try_acquire("k", cost=HOUR, burst=HOUR) > 0
        second.consume("k", cost=-HOUR, burst=HOUR)
    second.consume("k", cost=-HOUR, burst=HOUR)
    assert first.try_acquire("k", cost=HOUR, burst=HOUR) == 0.0
    assert first.try_acquire("k", cost=HOUR, burst=HOUR) > 0, "never more than the burst"


def test_without_redis_each_counts_for_itself() -> None:
    meter = RedisRateLimiter(f"redis://127.0.0.1:{free_port()}/0", SystemClock())
    try:
        assert meter.try_acquire("k", cost=HOUR, burst=HOUR) == 0.0
        assert meter.try_acquire("k", cost=HOUR, burst=HOUR) > 0
        assert meter.consume("other", cost=5.0, burst=1.0) > 3
    finally:
        meter.close()


def test_a_full_table_drops_the_key_whose_debt_ends_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(siblings, "BUCKETS", 1)
    meter = SiblingRateLimiter(siblings_in(tmp_path, 0), SystemClock())
    for number in range(ROWS):
        meter.consume(str(number), cost=HOUR * (number + 1), burst=1.0)
    meter.consume("new", cost=HOUR * ROWS, burst=1.0)
    assert meter.consume("new", cost=0.0, burst=1.0) > HOUR
    assert meter.consume("1", cost=0.0, burst=1.0) > HOUR
    assert meter.consume("0", cost=0.0, burst=1.0) == 0.0
    meter.close()


def test_many_keys_of_a_short_time_do_not_drop_one_of_a_long_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """30 passwords an hour for a link, and a guess a second for each address that has none."""
    monkeypatch.setattr(siblings, "BUCKETS", 1)
    meter = SiblingRateLimiter(siblings_in(tmp_path, 0), SystemClock())
    for _ in range(28):
        assert meter.try_acquire("passwords", cost=HOUR / 30, burst=HOUR) == 0
    for number in range(2 * ROWS):
        meter.try_acquire(f"guesses {number}", cost=1.0, burst=60.0)
    assert [meter.try_acquire("passwords", cost=HOUR / 30, burst=HOUR) > 0 for _ in range(3)] == [
        False, False, True,
    ]  # fmt: skip
    meter.close()
