"""Notifications of systemd."""

import errno
import socket
from pathlib import Path

import pytest

from tusd_py import systemd


def test_a_notification_that_cannot_be_sent_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The caller notifies again later, and must live until then."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "no-manager"))
    systemd.notify(systemd.WATCHDOG)

    def no_socket(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(socket, "socket", no_socket)
    systemd.notify(systemd.WATCHDOG)
    assert [record.message for record in caplog.records] == ["systemd.not_notified"] * 2
