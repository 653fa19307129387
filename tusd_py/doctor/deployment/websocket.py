"""Check whether WebSockets pass, for clients that can't follow Server-Sent Events."""

import asyncio
import socket
from typing import Final
from urllib.parse import urljoin, urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, WebSocketException

from tusd_py.doctor.deployment.probe_client import ANSWER_SECONDS, ProbeClient
from tusd_py.doctor.deployment.proxies import Proxy, remedy
from tusd_py.doctor.findings import CheckSkipped, Finding, ok, warning

FRAME_SECONDS: Final = (4.0, 8.0)
"""How long a frame may take: the second value is for a machine that stands still for a moment."""


def check_websocket(probe: ProbeClient) -> list[Finding]:
    """Follow an upload and receive its present state."""
    made = probe.create(1)
    name = made.url.rpartition("/")[2]
    shown = probe.request("GET", urljoin(probe.url, f"../api/file/upload/progress/{name}"))
    if shown.status != 200:
        raise CheckSkipped(
            f"The task's progress answers {shown.status}, so its WebSocket was not looked at.",
            "Let the proxy pass /api/file/upload/ to the server as it does the tus endpoint.",
        )
    url = urljoin(probe.url, f"../api/file/upload/ws/{name}")
    quick, patient = FRAME_SECONDS
    passes, received = _try(probe, url, quick)
    if not received:
        passes, received = _try(probe, url, patient)
    return [judge_websocket(probe.proxy, passes=passes, received=received)]


def _try(probe: ProbeClient, url: str, seconds: float) -> tuple[bool, bool]:
    """Return whether the connection was made, and a frame came."""
    try:
        return True, asyncio.run(_receives_frame(probe, url, seconds))
    except ConnectionClosed:
        return True, False
    except (OSError, WebSocketException, ValueError):
        # ValueError: the answer leads to another address.
        return False, False


async def _receives_frame(probe: ProbeClient, url: str, seconds: float) -> bool:
    """Return whether a frame comes in time.

    One thread writes and reads: two threads may not use a TLS connection at the same time, as the
    blocking client of ``websockets`` does.
    Raises: OSError, WebSocketException, ValueError: a redirect, which is not followed.
    """
    parts = urlsplit(url)
    secured = parts.scheme == "https"
    plain = socket.create_connection(
        (parts.hostname or "", parts.port or (443 if secured else 80)), ANSWER_SECONDS
    )
    async with connect(
        f"{'wss' if secured else 'ws'}://{parts.netloc}{parts.path}",
        sock=plain,
        ssl=probe.make_tls() if secured else None,
        additional_headers=probe.headers,
        open_timeout=ANSWER_SECONDS,
        close_timeout=1,
    ) as websocket:
        try:
            await asyncio.wait_for(websocket.recv(), seconds)
        except TimeoutError:
            return False
        return True


def judge_websocket(proxy: Proxy = Proxy.UNKNOWN, *, passes: bool, received: bool) -> Finding:
    """Return the finding. Args: passes: the connection was made; received: a frame came."""
    if passes and received:
        return ok("websocket", "WebSockets pass.")
    what = "are not passed on" if not passes else "are passed on, and nothing comes"
    return warning(
        "websocket",
        f"WebSockets {what}; Server-Sent Events carry the same states.",
        remedy("websocket", proxy),
    )
