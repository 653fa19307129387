from tusd_py.ingest.body_watchdog import Pace


def test_silence_is_measured_from_the_last_byte() -> None:
    pace = Pace(idle_timeout=10, min_rate=0, now=100)
    pace.took(1, 105)
    pace.took(0, 112)
    assert not pace.given_up(114.9)
    assert pace.patience(112) == 3
    assert pace.given_up(115)


def test_a_dribble_is_given_up_after_a_whole_window() -> None:
    pace = Pace(idle_timeout=10, min_rate=100, now=0)
    for second in range(1, 10):
        pace.took(99, second)
        assert not pace.given_up(second)
    assert pace.patience(9) == 1
    pace.took(99, 10)
    assert pace.given_up(10)


def test_each_window_is_judged_by_itself() -> None:
    pace = Pace(idle_timeout=10, min_rate=100, now=0)
    pace.took(1_000_000, 1)
    pace.took(1, 9)
    assert not pace.given_up(10)
    pace.took(1, 19)
    assert not pace.given_up(19.9)
    assert pace.given_up(20)


def test_a_rate_of_zero_takes_any() -> None:
    pace = Pace(idle_timeout=10, min_rate=0, now=0)
    for second in range(0, 1000, 9):
        pace.took(1, second)
        assert not pace.given_up(second)


def test_time_that_storing_took_is_not_the_clients() -> None:
    pace = Pace(idle_timeout=10, min_rate=100, now=0)
    pace.took(500, 30, busy=28)
    assert not pace.given_up(30)
    assert pace.given_up(38)
