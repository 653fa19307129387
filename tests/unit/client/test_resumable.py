"""What the limits of a server allow."""

import pytest

from tusd_py.client.errors import Refused, TransientFailure
from tusd_py.client.resumable import Limits, Standing


@pytest.mark.parametrize("size", [2, 9])
def test_a_size_within_the_limits_passes(size: int) -> None:
    Limits(min_size=2, max_size=9).check(size)


@pytest.mark.parametrize(("size", "sentence"), [(1, "no fewer than 2"), (10, "at most 9")])
def test_a_size_outside_is_refused(size: int, sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        Limits(min_size=2, max_size=9).check(size)


@pytest.mark.parametrize(
    ("limits", "wanted", "sent"),
    [
        (Limits(), 5, 5),
        (Limits(), 0, 1),
        (Limits(max_append=3), 5, 3),
        (Limits(min_append=8), 5, 8),
        (Limits(min_append=8, max_append=3), 5, 3),
    ],
)
def test_a_request_sends_as_much_as_it_may(limits: Limits, wanted: int, sent: int) -> None:
    assert limits.piece_bytes(wanted) == sent


def test_a_request_must_move_or_end_an_upload() -> None:
    Standing(5, complete=False).check_progress(4)
    Standing(5, complete=True).check_progress(5)
    with pytest.raises(TransientFailure):
        Standing(5, complete=False).check_progress(5)
