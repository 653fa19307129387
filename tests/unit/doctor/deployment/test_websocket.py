"""Tests what is found by the messages of a WebSocket."""

from support.findings import OK, WARNING, level

from tusd_py.doctor.deployment.websocket import judge_websocket


def test_websocket() -> None:
    assert level(judge_websocket(passes=True, received=True)) is OK
    assert level(judge_websocket(passes=True, received=False)) is WARNING
    assert level(judge_websocket(passes=False, received=False)) is WARNING
