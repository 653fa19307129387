"""Tests of rates as plain values."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tusd_py.domain.rate import Rate, UserRates, charged


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(0.01, 20)), min_size=1, max_size=50),
    st.floats(0, 50),
)
def test_a_client_that_waits_as_required_never_exceeds_time_plus_burst(
    charges: list[tuple[float, float]], burst: float
) -> None:
    """From the beginning to any moment, the cost is at most the time plus the burst."""
    now, paid_until, total = 0.0, float("-inf"), 0.0
    for pause, cost in charges:
        now += pause
        paid_until, wait = charged(paid_until, now, cost=cost, burst=burst)
        now += wait
        total += cost
        assert total <= now + burst + 1e-6


@given(st.floats(0.01, 20), st.floats(0, 50))
def test_after_a_pause_a_client_has_the_burst_and_no_more(cost: float, burst: float) -> None:
    until, wait = charged(float("-inf"), 1000.0, cost=cost, burst=burst)
    assert until == pytest.approx(1000.0 - burst + cost)
    assert wait == pytest.approx(max(0.0, cost - burst))


@pytest.mark.parametrize("name", [field.name for field in fields(UserRates)])
def test_any_rate_alone_is_a_limit(name: str) -> None:
    assert UserRates().is_unlimited
    assert not UserRates(**{name: Rate(1, 1.0)}).is_unlimited


def test_the_cost_of_units() -> None:
    assert Rate(20, 60.0).cost(1) == 3.0
    assert Rate(1 << 20, 1.0).cost(1 << 19) == 0.5
