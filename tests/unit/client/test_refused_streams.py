"""A client that is refused a stream because its user has too many waits for a place."""

from contextlib import suppress

import pytest

from tusd_py.client.errors import Refused, Unreachable
from tusd_py.client.events import BREAKS, Following
from tusd_py.client.file_upload import Answer


def following() -> Following:
    return Following("http://localhost/files/", "0" * 32, None)


def test_too_many_streams_are_waited_for_a_minute() -> None:
    followed, busy = following(), Answer(429, {"Retry-After": "5"}, b'{"code":"too_many_streams"}')
    for _ in range(BREAKS):
        assert not followed.answered(busy)
        assert followed.broke() == 1.0
    assert not followed.answered(busy)
    with pytest.raises(Unreachable):
        followed.broke()


def test_a_place_that_comes_free_ends_the_waiting() -> None:
    followed = following()
    for _ in range(BREAKS // 2):
        followed.answered(Answer(429, {}, b""))
        followed.broke()
    assert followed.answered(Answer(200, {}))


def test_a_task_that_is_not_there_is_not_waited_for() -> None:
    followed, tries = following(), 0
    with suppress(Refused):
        while tries < BREAKS:
            followed.answered(Answer(404, {}, b""))
            tries += 1
    assert 0 < tries < BREAKS
