"""Run all checks of a deployment, in an order in which one fault does not look like another."""

import http.client
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Final

import httpx

from tusd_py.client.messages import byte_count
from tusd_py.clock import Clock
from tusd_py.doctor.deployment.bodies import (
    SILENT_SECONDS,
    check_buffering,
    check_silence,
    check_size,
)
from tusd_py.doctor.deployment.cors import check_cors
from tusd_py.doctor.deployment.download import check_range
from tusd_py.doctor.deployment.draft import INTERIM_SECONDS, check_draft
from tusd_py.doctor.deployment.endpoint import (
    check_connection,
    check_creation,
    judge_endpoint,
    reach,
)
from tusd_py.doctor.deployment.events import check_events
from tusd_py.doctor.deployment.exposure import check_exposure
from tusd_py.doctor.deployment.headers import check_clock, check_headers
from tusd_py.doctor.deployment.location import check_location
from tusd_py.doctor.deployment.methods import check_methods
from tusd_py.doctor.deployment.probe_client import ProbeClient, ProbeResponse
from tusd_py.doctor.deployment.proxies import proxy_of
from tusd_py.doctor.deployment.websocket import check_websocket
from tusd_py.doctor.findings import Finding, Level, note, problem
from tusd_py.doctor.run import Check, run_checks


def examine(
    url: str,
    *,
    clock: Clock,
    origin: str | None = None,
    token: str | None = None,
    silent_seconds: float = SILENT_SECONDS,
    interim_seconds: float = INTERIM_SECONDS,
    make_tls: Callable[[], ssl.SSLContext] = httpx.create_ssl_context,
) -> Iterator[Finding]:
    """Check the tus endpoint ``url``; what is created there is removed again.

    Args: origin: of a web page that uses it; token: sent as Authorization: Bearer; silent_seconds:
        the length of the silence in a body; interim_seconds: how long a 104 may take; make_tls:
        makes a context of TLS.
    Raises: ValueError: the address is not valid; Unreachable: nothing answers there.
    """
    probe = ProbeClient(url, origin=origin, token=token, clock=clock, make_tls=make_tls)
    try:
        reached = reach(probe)
        if not isinstance(reached, ProbeResponse):
            yield reached
            return
        probe.proxy = proxy_of(reached.headers)
        for first in _first_checks(probe, reached):
            found = list(run_checks([_catching_cut_connections(first)], clock=clock))
            yield from found
            if any(finding.check in _NEEDED and _is_fatal(finding) for finding in found):
                return
        others = [
            _catching_cut_connections(check)
            for check in _checks(probe, reached, silent_seconds, interim_seconds)
        ]
        yield from run_checks(others, clock=clock)
        yield from _left_behind(probe.clean_up())
    finally:
        probe.close()


_NEEDED: Final = ("endpoint", "creation")
"""Without these, nothing else can be checked."""


def _is_fatal(finding: Finding) -> bool:
    return finding.level in (Level.NOTE, Level.PROBLEM)


def _first_checks(probe: ProbeClient, reached: ProbeResponse) -> list[Check]:
    """Return the checks that run one after the other."""
    return [
        Check("endpoint", lambda: judge_endpoint(reached)),
        Check("creation", lambda: check_creation(probe)),
        Check("methods", lambda: check_methods(probe)),
    ]


_CUT: Final = (httpx.TransportError, http.client.HTTPException, OSError)


def _catching_cut_connections(check: Check) -> Check:
    """Return the same check, which reports a connection that was cut twice as a finding.

    A check that failed so is run once more: this machine or the line may have stood still for a
    moment, and a proxy may close a connection in the moment in which it is used again.
    """

    def look() -> Sequence[Finding]:
        try:
            with suppress(*_CUT):
                return check.run()
            return check.run()
        except _CUT as error:
            return [
                problem(
                    check.name,
                    "A connection was cut, or nothing was answered in time "
                    f"({type(error).__name__}).",
                    "See the logs of proxy and server for this time.",
                )
            ]

    return Check(check.name, look)


def _checks(
    probe: ProbeClient, reached: ProbeResponse, silent_seconds: float, interim_seconds: float
) -> list[Check]:
    largest = byte_count(reached.headers.get("tus-max-size", ""))
    return [
        Check("tls", lambda: check_connection(probe)),
        Check("location", lambda: check_location(probe)),
        Check("request-buffering", lambda: check_buffering(probe)),
        Check("silence", lambda: check_silence(probe, silent_seconds)),
        Check("body-size", lambda: check_size(probe, largest)),
        Check("event-buffering", lambda: check_events(probe)),
        Check("websocket", lambda: check_websocket(probe)),
        Check("headers", lambda: check_headers(probe)),
        Check("cors", lambda: check_cors(probe)),
        Check("exposure", lambda: check_exposure(probe)),
        Check("clock", lambda: check_clock(probe)),
        Check("range", lambda: check_range(probe)),
        Check("draft", lambda: check_draft(probe, interim_seconds)),
    ]


def _left_behind(count: int) -> list[Finding]:
    if count == 0:
        return []
    return [
        note(
            "clean-up",
            f"{count} small uploads named tusd-doctor-… could not be removed.",
            "See the finding about methods; unfinished ones expire, finished ones stay.",
        )
    ]
