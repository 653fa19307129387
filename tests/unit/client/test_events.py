"""Tests which states a client follows, and when it gives up."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import pytest

from tusd_py.client.errors import Refused, TransientFailure, Unreachable
from tusd_py.client.event_stream import read_events
from tusd_py.client.events import MAX_FAILURES, NOT_FOUND_TRIES, TaskFollower
from tusd_py.client.file_upload import Contact, Sleep
from tusd_py.client.messages import Response

ENDPOINT, URL = "http://t/files/", "http://t/files/abc"


def feed(following: TaskFollower, text: str) -> list[dict[str, Any]]:
    events = read_events(httpx.Response(200, content=iter([text.encode()])))
    return [state for event in events if (state := following.take(event)) is not None]


def test_states_come_once_and_end_with_the_last() -> None:
    following = TaskFollower(ENDPOINT, "abc", "t", Contact())
    assert following.url == "http://t/api/file/upload/events/abc"
    assert "Last-Event-ID" not in following.headers()
    one = 'id: 1.1\ndata: {"status": "pending"}\n\n'
    assert feed(following, ": ping\n\n" + one + one) == [{"status": "pending"}]
    assert following.headers()["Last-Event-ID"] == "1.1"
    assert following.headers()["Upload-Token"] == "t"
    assert not following.is_finished
    assert feed(following, 'id: 1.2\ndata: {"status":\ndata:  "completed"}\n\n') == [
        {"status": "completed"}
    ]
    assert following.is_finished


def test_it_gives_up_after_a_number_of_breaks() -> None:
    following = TaskFollower(ENDPOINT, "abc", None, Contact())
    wait: Callable[[], Sleep] = following.pause_after_failure
    for _ in range(MAX_FAILURES):
        assert wait().seconds > 0
    with pytest.raises(Unreachable):
        wait()


def following() -> TaskFollower:
    return TaskFollower("http://localhost/files/", "0" * 32, None, Contact())


def test_too_many_streams_are_waited_for_a_minute() -> None:
    followed, busy = (
        following(),
        Response(429, {"Retry-After": "5"}, b'{"code":"too_many_streams"}'),
    )
    for _ in range(MAX_FAILURES):
        assert not followed.accept_response(busy)
        assert followed.pause_after_failure() == Sleep(1.0)
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


def test_a_server_that_answered_this_client_is_waited_for() -> None:
    away, contact = TransientFailure("no server answers there"), Contact()
    with pytest.raises(Unreachable):
        TaskFollower(ENDPOINT, "abc", None, contact).pause_after_failure(away)
    contact.made = True
    following = TaskFollower(ENDPOINT, "abc", None, contact)
    for _ in range(MAX_FAILURES):
        assert following.pause_after_failure(away).reason == str(away)
    assert not TaskFollower(ENDPOINT, "abc", None, contact).pause_after_failure().reason


def test_a_file_that_is_given_up_ends_no_stream_that_was_open() -> None:
    contact = Contact()
    following = TaskFollower(ENDPOINT, "abc", None, contact)
    assert following.accept_response(Response(200, {}))
    contact.made = False
    for _ in range(MAX_FAILURES):
        following.pause_after_failure(TransientFailure("no server answers there"))


def test_a_task_that_is_not_there_is_looked_for_again_at_once() -> None:
    following = TaskFollower(ENDPOINT, "abc", None, Contact())
    pauses = []
    for _ in range(NOT_FOUND_TRIES):
        assert not following.accept_response(Response(404, {}))
        pauses.append(following.pause_after_failure().seconds)
    with pytest.raises(Refused):
        following.accept_response(Response(404, {}))
    assert sum(pauses) < 1
