"""Tests of what the limits in the settings mean."""

from tusd_py.domain.rate import Rate, UserRates
from tusd_py.settings.limits import LimitSettings


def test_a_rate_of_zero_is_no_limit() -> None:
    assert LimitSettings().rates() == UserRates()
    assert LimitSettings(requests=0, bytes_per_second=0).rates().is_unlimited


def test_each_rate_is_set_by_itself() -> None:
    requests, data = Rate(30, 10.0), Rate(1 << 20, 1.0)
    assert LimitSettings(requests=30, window=10.0).rates() == UserRates(requests=requests)
    assert LimitSettings(bytes_per_second=1 << 20).rates() == UserRates(bytes=data)
    both = LimitSettings(requests=30, window=10.0, bytes_per_second=1 << 20)
    assert both.rates() == UserRates(requests=requests, bytes=data)
