"""Check whether Server-Sent Events pass the proxy when they happen."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import httpx

from tusd_py.doctor.deployment.probe_client import ProbeClient
from tusd_py.doctor.deployment.proxies import Proxy, remedy
from tusd_py.doctor.findings import CheckSkipped, Finding, ok, problem, warning

EVENT_SECONDS: Final = (4.0, 8.0)
"""How long an event may take: the second value is for a machine that stands still for a moment."""
CONTENT: Final = b"tusd-py doctor listens".ljust(64)
"""The content is always the same, so that the pool keeps it once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventLog:
    """The events of a task that arrived while it was followed."""

    snapshot: bool
    """Whether the present state came when the stream was opened."""
    change: bool
    """Whether the next state came after the last byte had arrived."""
    encoding: str
    """The Content-Encoding of the stream."""


def check_events(probe: ProbeClient) -> list[Finding]:
    """Follow an upload and finish it; both states must arrive."""
    quick, patient = EVENT_SECONDS
    received = _follow(probe, quick)
    if not received.change:
        received = _follow(probe, patient)
    return [judge_events(received, probe.proxy)]


def _follow(probe: ProbeClient, seconds: float) -> EventLog:
    made = probe.create(len(CONTENT))
    name = made.url.rpartition("/")[2]
    url = urljoin(probe.url, f"../api/file/upload/events/{name}")
    headers = {"Accept": "text/event-stream", "Accept-Encoding": "gzip, deflate"}
    snapshot, encoding = False, ""
    try:
        with probe.client.stream("GET", url, headers=headers, timeout=seconds) as response:
            if response.status_code != 200:
                raise CheckSkipped(
                    f"The task's events answer {response.status_code}, so they were not looked at.",
                    "Let the proxy pass /api/file/upload/ to the server as it does the tus "
                    "endpoint.",
                )
            encoding = response.headers.get("content-encoding", "")
            pieces = response.iter_bytes()
            snapshot = _event(pieces)
            probe.append(made.url, 0, CONTENT)
            change = snapshot and _event(pieces)
    except httpx.ReadTimeout:
        change = False
    return EventLog(snapshot=snapshot, change=change, encoding=encoding)


def _event(pieces: Iterator[bytes]) -> bool:
    """Wait for the next event. Raises: httpx.ReadTimeout."""
    return any(b"data:" in piece for piece in pieces)


def judge_events(received: EventLog, proxy: Proxy = Proxy.UNKNOWN) -> Finding:
    """Return the finding."""
    check = "event-buffering"
    if not (received.snapshot and received.change):
        return problem(
            check,
            "A proxy holds events back: progress is not live.",
            remedy(check, proxy),
        )
    if received.encoding:
        return warning(
            check,
            f"Events come compressed ({received.encoding}), which some proxies gather before they "
            "send.",
            "Take text/event-stream out of what the proxy compresses.",
        )
    return ok(check, "Events come as they happen.")
