"""A client that is refused a stream because its user has too many waits for a place."""

from contextlib import suppress

import pytest

from tusd_py.client.errors import Refused, Unreachable
from tusd_py.client.events import MAX_FAILURES, TaskFollower
from tusd_py.client.file_upload import Response


def following() -> TaskFollower:
    return TaskFollower("http://localhost/files/", "0" * 32, None)


def test_too_many_streams_are_waited_for_a_minute() -> None:
    followed, busy = (
        following(),
        Response(429, {"Retry-After": "5"}, b'{"code":"too_many_streams"}'),
    )
    for _ in range(MAX_FAILURES):
        assert not followed.accept_response(busy)
        assert followed.pause_after_failure() == 1.0
    assert not followed.accept_response(busy)
    with pytest.raises(Unreachable):
        followed.pause_after_failure()


def test_a_place_that_comes_free_ends_the_waiting() -> None:
    followed = following()
    for _ in range(MAX_FAILURES // 2):
        followed.accept_response(Response(429, {}, b""))
        followed.pause_after_failure()
    assert followed.accept_response(Response(200, {}))


def test_a_task_that_is_not_there_is_not_waited_for() -> None:
    followed, tries = following(), 0
    with suppress(Refused):
        while tries < MAX_FAILURES:
            followed.accept_response(Response(404, {}, b""))
            tries += 1
    assert 0 < tries < MAX_FAILURES
