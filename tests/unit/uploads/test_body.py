from tusd_py.uploads.body import BodyWatchdog


def test_silence_is_measured_from_the_last_byte() -> None:
    watchdog = BodyWatchdog(idle_timeout=10, min_rate=0, now=100)
    watchdog.on_bytes(1, 105)
    watchdog.on_bytes(0, 112)
    assert not watchdog.expired(114.9)
    assert watchdog.next_check(112) == 3
    assert watchdog.expired(115)


def test_a_body_below_the_minimum_rate_is_given_up_after_a_whole_window() -> None:
    watchdog = BodyWatchdog(idle_timeout=10, min_rate=100, now=0)
    for second in range(1, 10):
        watchdog.on_bytes(99, second)
        assert not watchdog.expired(second)
    assert watchdog.next_check(9) == 1
    watchdog.on_bytes(99, 10)
    assert watchdog.expired(10)


def test_each_window_is_judged_by_itself() -> None:
    watchdog = BodyWatchdog(idle_timeout=10, min_rate=100, now=0)
    watchdog.on_bytes(1_000_000, 1)
    watchdog.on_bytes(1, 9)
    assert not watchdog.expired(10)
    watchdog.on_bytes(1, 19)
    assert not watchdog.expired(19.9)
    assert watchdog.expired(20)


def test_a_rate_of_zero_takes_any() -> None:
    watchdog = BodyWatchdog(idle_timeout=10, min_rate=0, now=0)
    for second in range(0, 1000, 9):
        watchdog.on_bytes(1, second)
        assert not watchdog.expired(second)


def test_time_that_storing_takes_does_not_count_for_the_rate() -> None:
    watchdog = BodyWatchdog(idle_timeout=10, min_rate=100, now=0)
    watchdog.on_bytes(500, 30, busy=28)
    assert not watchdog.expired(30)
    assert watchdog.expired(38)
