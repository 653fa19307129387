"""Pauses between tries."""

import math

from tusd_py.backoff import Backoff


def test_the_last_pause_repeats() -> None:
    backoff = Backoff((1.0, 5.0, 30.0))
    assert [backoff.pause(failures) for failures in range(1, 6)] == [1.0, 5.0, 30.0, 30.0, 30.0]


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff.doubling(0.5, 3.0)
    assert [backoff.pause(failures) for failures in range(1, 6)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_the_first_pause_is_no_longer_than_the_longest() -> None:
    assert Backoff.doubling(0.5, 0.01).pause(1) == 0.01
    assert Backoff.doubling(0.0, 3.0).pause(100) == 0.0
    assert Backoff.doubling(0.5, math.inf).pause(3) == 2.0


def test_a_pause_varies_within_the_spread() -> None:
    backoff = Backoff((10.0,), spread=(0.8, 1.2))
    pauses = {backoff.pause(1) for _ in range(100)}
    assert len(pauses) > 1
    assert all(8.0 <= pause <= 12.0 for pause in pauses)
