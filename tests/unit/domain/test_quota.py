"""Tests that an owner may reach each limit and not exceed it."""

import pytest

from tusd_py.domain.errors import QuotaExceeded, TooManyFiles, TooManyUploads
from tusd_py.domain.quota import Quota, Usage, check_bytes, check_quota

LIMITS = Quota(open_uploads=2, stored_bytes=100, stored_files=5)


def test_a_limit_may_be_reached() -> None:
    check_quota(Usage(2, 100, 5), LIMITS)


@pytest.mark.parametrize(
    ("usage", "error"),
    [
        (Usage(3, 0, 0), TooManyUploads),
        (Usage(0, 0, 6), TooManyFiles),
        (Usage(0, 101, 0), QuotaExceeded),
        (Usage(3, 101, 6), TooManyUploads),
    ],
)
def test_what_is_above_a_limit_is_refused(usage: Usage, error: type[Exception]) -> None:
    with pytest.raises(error):
        check_quota(usage, LIMITS)
    check_quota(usage, Quota(open_uploads=None, stored_bytes=None))


def test_a_limit_of_zero_is_a_limit() -> None:
    with pytest.raises(QuotaExceeded):
        check_quota(Usage(0, 1, 0), Quota(open_uploads=None, stored_bytes=0))


def test_bytes_are_checked_by_themselves() -> None:
    check_bytes(Usage(3, 100, 6), LIMITS)
    with pytest.raises(QuotaExceeded):
        check_bytes(Usage(0, 101, 0), LIMITS)
