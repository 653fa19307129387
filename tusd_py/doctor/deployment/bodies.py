"""Check what a proxy does to bodies: it may buffer, cut silent ones, or refuse large ones."""

import http.client
import threading
from collections.abc import Callable, Sequence
from typing import Final

from tusd_py.doctor.deployment.probe_client import (
    ANSWER_SECONDS,
    ProbeClient,
    ProbeResponse,
    read_response,
)
from tusd_py.doctor.deployment.proxies import Proxy, remedy
from tusd_py.doctor.findings import Finding, ok, problem, warning

DRIP_BYTES: Final = 16 << 10
"""A proxy that does not buffer whole bodies passes on buffers of 8 to 16 KiB."""
DRIPS: Final = 3
DRIP_PAUSES: Final = (0.3, 2.0)
"""Seconds between pieces; the second value is for a slow connection."""
SILENT_SECONDS: Final = 6.0
"""A phone that changes its network is silent for this time."""
REFUSAL_SECONDS: Final = 3.0
MIB: Final = 1 << 20
SIZES: Final = (MIB + 1, 10 * MIB + 1, 100 * MIB + 1, 1024 * MIB + 1)
"""Sizes just above common limits: nginx has 1 MiB by default, some hosters 100 MB."""
DEFAULT_LARGEST: Final = 10 << 30
_CUT: Final = (OSError, http.client.HTTPException)


def check_buffering(probe: ProbeClient) -> list[Finding]:
    """Send a body slowly, stop in the middle, and read the offset on another connection."""
    arrived = 0
    for pause in DRIP_PAUSES:
        arrived = arrived or _drip(probe, pause)
    return [judge_buffering(arrived, probe.proxy)]


def _drip(probe: ProbeClient, pause: float) -> int:
    made = probe.create(4 * DRIPS * DRIP_BYTES)
    connection = probe.begin_append(made.url, 0, 4 * DRIPS * DRIP_BYTES)
    try:
        for _ in range(DRIPS):
            connection.send(bytes(DRIP_BYTES))
            threading.Event().wait(pause)
        return probe.offset(made.url)
    finally:
        connection.close()


def judge_buffering(arrived: int, proxy: Proxy = Proxy.UNKNOWN) -> Finding:
    """Return the finding. Args: arrived: the bytes of the unfinished body that the server had."""
    if arrived:
        return ok("request-buffering", "Bytes reach the server as they are sent.")
    return problem(
        "request-buffering",
        "A proxy holds bodies back until they are complete: a broken upload begins again at zero, "
        "and no progress is shown.",
        remedy("request-buffering", proxy),
    )


def check_silence(probe: ProbeClient, silent_seconds: float) -> list[Finding]:
    """Send half a body, wait, and send the rest."""
    try:
        # An answer that is late is no cut connection, so that the body is sent once more.
        answer = _silent_body(probe, silent_seconds) or _silent_body(probe, silent_seconds)
    except _CUT:
        answer = None
    return [judge_silence(answer, silent_seconds, probe.proxy)]


def _silent_body(probe: ProbeClient, silent_seconds: float) -> ProbeResponse | None:
    """Return the answer; None: it did not come in time. Raises: ``_CUT``."""
    made = probe.create(4)
    connection = probe.begin_append(made.url, 0, 2)
    try:
        connection.send(b"a")
        early = read_response(connection, silent_seconds) if silent_seconds else None
        if early is not None:
            return early
        connection.send(b"b")
        return read_response(connection, ANSWER_SECONDS)
    finally:
        connection.close()


def judge_silence(
    answer: ProbeResponse | None, silent_seconds: float, proxy: Proxy = Proxy.UNKNOWN
) -> Finding:
    """Return the finding. Args: answer: to the whole body; None: there was none."""
    check = "silence"
    if answer is not None and answer.status == 204:
        return ok(check, f"A body may be silent for {silent_seconds:g} s.")
    if answer is not None and answer.code == "body_timeout":
        return warning(
            check,
            f"The server itself gives a body up that is silent for {silent_seconds:g} s.",
            "Raise idle_timeout; 60s is the default.",
        )
    outcome = f"answered {answer.status}" if answer is not None else "cut off"
    return warning(
        check,
        f"A body that was silent for {silent_seconds:g} s was {outcome} before the server gave it "
        "up: phones will resume all the time.",
        remedy(check, proxy),
    )


def check_size(probe: ProbeClient, largest: int | None) -> list[Finding]:
    """Announce large bodies and find out which are refused; no byte of them is sent.

    The offset is wrong, so that the server itself also refuses, and stores nothing.
    Args: largest: the server's limit in bytes, if it states one.
    """
    made = probe.create(4)
    top = largest or DEFAULT_LARGEST

    def refused(size: int) -> bool:
        connection = probe.begin_append(made.url, 1, size)
        try:
            answer = read_response(connection, REFUSAL_SECONDS)
        finally:
            connection.close()
        return answer is not None and answer.status == 413 and not answer.code

    return [judge_size(smallest_refused(top, SIZES, refused), top, probe.proxy)]


def smallest_refused(top: int, sizes: Sequence[int], refused: Callable[[int], bool]) -> int | None:
    """Return the smallest of ``sizes`` and ``top`` that is refused; None if ``top`` is not."""
    if not refused(top):
        return None
    return next((size for size in sizes if size < top and refused(size)), top)


def judge_size(refused: int | None, top: int, proxy: Proxy = Proxy.UNKNOWN) -> Finding:
    """Return the finding; both sizes are in bytes."""
    if refused is None:
        return ok("body-size", f"A body of {_size(top)} may be sent at once.")
    return problem(
        "body-size",
        f"A body of {_size(refused)} is refused (413) before it reaches the server, which takes "
        f"{_size(top)}.",
        remedy("body-size", proxy),
    )


def _size(size: int) -> str:
    return f"{size / (1 << 30):.1f} GiB" if size >= 1 << 30 else f"{size / MIB:.0f} MiB"
