"""What an error of a connection means, in a sentence."""

import errno
import os
import socket

import httpx
import pytest

from tusd_py.client.errors import Refused
from tusd_py.client.responses import failure_of


def caused(error: httpx.TransportError, *causes: BaseException) -> httpx.TransportError:
    """Return the error with causes, as httpx and anyio make them."""
    found: BaseException = error
    for cause in causes:
        found.__cause__ = cause
        found = cause
    return error


REFUSED = ConnectionRefusedError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
FAILURES = [
    (caused(httpx.ConnectError("x"), REFUSED), "no server answers there: Connection refused", False),
    (
        caused(
            httpx.ConnectError("All connection attempts failed"),
            OSError("All connection attempts failed"),
            ExceptionGroup("multiple connection attempts failed", [REFUSED, REFUSED]),
        ),
        "no server answers there: Connection refused",
        False,
    ),
    (httpx.ConnectTimeout(""), "no connection was made in time", False),
    (
        caused(httpx.ConnectError("x"), socket.gaierror(-2, "Name or service not known")),
        "the host name can't be resolved: Name or service not known",
        True,
    ),
    (httpx.ReadTimeout(""), "no answer came in time", False),
    (httpx.ReadError(""), "the connection was cut", False),
    (
        caused(httpx.WriteError(""), BrokenPipeError(errno.EPIPE, "x")),
        "the connection was cut: Broken pipe",
        False,
    ),
    (
        httpx.RemoteProtocolError("Server disconnected without sending a response."),
        "Server disconnected without sending a response.",
        False,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("error", "sentence", "permanent"), FAILURES)
def test_a_failure_is_named(error: httpx.TransportError, sentence: str, permanent: bool) -> None:
    failure = failure_of(error)
    assert (str(failure), failure.permanent) == (sentence, permanent)


def test_a_request_that_can_not_be_sent_shows_no_value_of_a_header() -> None:
    with pytest.raises(Refused) as refused:
        failure_of(httpx.LocalProtocolError("Illegal header value b'Bearer canary'"))
    assert str(refused.value) == "the request can't be sent: Illegal header value"
