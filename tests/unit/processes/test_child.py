"""What a process refuses when it starts."""

from pathlib import Path

import pytest
from support.fake_processes import ORDER

from tusd_py.channel import MessageKind
from tusd_py.processes.order import SETTINGS_REFUSED, Order
from tusd_py.processes.process import Process


@pytest.mark.parametrize(("held", "redis"), [(None, ""), (0, "127.0.0.1:6379")])
def test_settings_of_redis_that_are_not_those_of_the_parent_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int | None, redis: str
) -> None:
    """Only the parent locks the data directory, and it does so when it starts."""
    monkeypatch.setenv("TUSD_REDIS__ADDR", redis)
    flags = {"data_dir": str(tmp_path / "data")}
    process = Process.start(Order(**{**ORDER, "flags": flags, "held": held}), 10.0)
    try:
        message = process.channel.receive()
        assert message.kind is MessageKind.FAILED
        assert "redis.addr" in message.content
        process.wait()
        assert process.exit_code() == SETTINGS_REFUSED
        assert not (tmp_path / "data").exists()
    finally:
        process.discard()
