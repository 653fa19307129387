"""Following a task over Server-Sent Events, through restarts of the server."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import urljoin

import httpx

from tusd_py.client.uploader import Unreachable

SILENCE_SECONDS: Final = 45.0
"""Three pings missed: the connection is dead."""
PAUSE_SECONDS: Final = 1.0
FINAL: Final = ("completed", "failed")


def follow(
    client: httpx.Client,
    endpoint: str,
    task_id: str,
    *,
    token: str | None = None,
    retries: int = 60,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[dict[str, Any]]:
    """The task's states, each new one once, until it is completed or failed.

    Args: token: the upload's own, if it has one. Raises: Unreachable: the stream could not be had, time after time.
    """
    url = urljoin(endpoint, f"../api/file/upload/events/{task_id}")
    last_id, failures, last = "", 0, None
    while True:
        try:
            for event_id, state in _events(client, url, last_id, token):
                failures, last_id = 0, event_id or last_id
                if state != last:
                    yield state
                last = state
                if state.get("status") in FINAL:
                    return
        except httpx.TransportError:
            pass
        failures += 1
        if failures > retries:
            raise Unreachable("the task's events can't be reached")
        sleep(PAUSE_SECONDS)


def _events(
    client: httpx.Client, url: str, last_id: str, token: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    if token:
        headers["Upload-Token"] = token
    if last_id:
        headers["Last-Event-ID"] = last_id
    with client.stream("GET", url, headers=headers, timeout=SILENCE_SECONDS) as response:
        if response.status_code != 200:
            return
        event_id, data = "", ""
        for line in response.iter_lines():
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                event_id = value
            elif name == "data":
                data += value
            elif not line:
                if data:
                    yield event_id, json.loads(data)
                event_id, data = "", ""
