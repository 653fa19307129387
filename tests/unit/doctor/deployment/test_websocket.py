"""Tests what is found by the messages of a WebSocket."""

from types import SimpleNamespace
from typing import cast

import pytest
from support.findings import OK, WARNING, level
from websockets.exceptions import InvalidHandshake

from tusd_py.doctor.deployment import websocket
from tusd_py.doctor.deployment.probe_client import ProbeClient
from tusd_py.doctor.deployment.proxies import Proxy
from tusd_py.doctor.deployment.websocket import check_websocket, judge_websocket


def test_websocket() -> None:
    assert level(judge_websocket(passes=True, received=True)) is OK
    assert level(judge_websocket(passes=True, received=False)) is WARNING
    assert level(judge_websocket(passes=False, received=False)) is WARNING


@pytest.mark.parametrize(
    "first", [TimeoutError(), InvalidHandshake(), ConnectionResetError(), ValueError(), False]
)
def test_what_failed_is_tried_once_more(
    monkeypatch: pytest.MonkeyPatch, first: Exception | bool
) -> None:
    outcomes = iter([first, True])

    async def receives_frame(*_: object) -> bool:
        outcome = next(outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(websocket, "_receives_frame", receives_frame)
    probe = SimpleNamespace(
        url="http://a/files/",
        proxy=Proxy.UNKNOWN,
        create=lambda _: SimpleNamespace(url="http://a/files/1"),
        request=lambda *_: SimpleNamespace(status=200),
    )
    assert [level(one) for one in check_websocket(cast(ProbeClient, probe))] == [OK]
