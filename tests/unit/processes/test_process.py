"""How long a process may take to end."""

import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tusd_py.channel import Channel
from tusd_py.processes.order import Order
from tusd_py.processes.process import GRACE_SECONDS, Process

ORDER = Order(
    config=None,
    flags={},
    directory="",
    number=0,
    servers=1,
    slot=0,
    listeners=[],
    monitoring=None,
    held=None,
    workers=0,
)


@contextmanager
def process(shutdown_timeout: float) -> Iterator[Process]:
    ours, theirs = Channel.pair()
    with theirs, subprocess.Popen(["sleep", "600"]) as program:
        made = Process(ORDER, program, ours, shutdown_timeout)
        try:
            yield made
        finally:
            made.kill()
            made.wait()
            ours.close()


def test_a_process_has_the_time_of_the_settings_that_it_has_read() -> None:
    # SIGHUP with a shorter time for the ones that follow must not cut off its requests.
    with process(60.0) as one:
        one.end(signal.SIGTERM, 1000.0)
        assert one.ends_by == 1060.0 + GRACE_SECONDS


def test_a_second_request_gives_no_more_time() -> None:
    with process(60.0) as one:
        one.expect_end(1000.0)
        one.end(signal.SIGTERM, 1030.0)
        assert one.ends_by == 1060.0 + GRACE_SECONDS
