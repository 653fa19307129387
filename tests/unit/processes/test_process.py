"""How long a process may take to end, and what becomes of one that gets no order."""

import signal

import pytest
from support.fake_processes import ORDER, fake_processes

from tusd_py.channel import Channel
from tusd_py.processes.order import Order
from tusd_py.processes.process import GRACE_SECONDS, Process


def test_a_process_has_the_time_that_its_order_gives_it() -> None:
    with fake_processes() as processes:
        process = processes.start(shutdown_timeout=60.0).process
        process.end(signal.SIGTERM, 1000.0)
        assert process.ends_by == 1060.0 + GRACE_SECONDS


def test_a_second_request_gives_no_more_time() -> None:
    with fake_processes() as processes:
        process = processes.start(shutdown_timeout=60.0).process
        process.expect_end(1000.0)
        process.end(signal.SIGTERM, 1030.0)
        assert process.ends_by == 1060.0 + GRACE_SECONDS


def test_a_process_that_gets_no_order_is_not_left(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Process] = []
    discard = Process.discard

    def discarded(process: Process) -> None:
        started.append(process)
        discard(process)

    monkeypatch.setattr(Process, "discard", discarded)
    monkeypatch.setattr(Channel, "send", lambda *_: False)
    with pytest.raises(OSError, match="the order could not be sent"):
        Process.start(Order(**ORDER), 10.0)
    assert started[0].exit_code() == -signal.SIGKILL
