"""Check whether clients of the IETF's draft can upload and resume (docs/ietf.md)."""

import http.client
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from tusd_py.client.ietf import IetfDraft
from tusd_py.client.messages import Request
from tusd_py.doctor.deployment.probe_client import (
    ANSWER_SECONDS,
    ProbeClient,
    ProbeResponse,
    metadata,
    probe_response,
)
from tusd_py.doctor.findings import CheckSkipped, Finding, note, ok, problem
from tusd_py.protocol.ietf.versions import VERSION_FIELD, VERSIONS

INTERIM: Final = 104
INTERIM_SECONDS: Final = 6.0
"""The time for a 104, which comes as soon as the upload is in the catalog."""
LENGTH: Final = 8
PART: Final = b"part"
"""What is sent of the upload, so that it stays incomplete."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """What came back for one creation; None: nothing came in time, or the connection was cut."""

    interim: ProbeResponse | None
    final: ProbeResponse | None
    in_time: bool = True
    """Whether the first response came before the content was sent."""
    in_step: bool = True
    """Whether the next request on the connection was given its own answer."""


def check_draft(probe: ProbeClient, interim_seconds: float) -> list[Finding]:
    """Request each version, and create an upload in the newest one.

    Args: interim_seconds: how long its content is held back until a 104 has come.
    """
    offered = [number for number in VERSIONS if _offers(probe, number)]
    found = [judge_versions(offered)]
    if offered:
        found.append(judge_passage(_passage(probe, max(offered), interim_seconds)))
    return found


def _offers(probe: ProbeClient, number: int) -> bool:
    return _states(probe.send(IetfDraft(VERSIONS[number]).limits_request(probe.url)), number)


def _states(answer: ProbeResponse, number: int) -> bool:
    """Return whether the answer to a request for the limits is one of this version."""
    return answer.headers.get(VERSION_FIELD.lower()) == str(number)


def judge_versions(offered: Sequence[int]) -> Finding:
    """Return the finding about the interop versions that OPTIONS offers."""
    if not offered:
        return note(
            "draft",
            "OPTIONS offers no version of the IETF's draft: iOS can't resume its uploads here.",
            f"Update the server; let the proxy pass {VERSION_FIELD} in both directions.",
        )
    listed = ", ".join(map(str, offered))
    return ok("draft", f"Uploads by the IETF's draft are taken, in the versions {listed}.")


def _passage(probe: ProbeClient, number: int, interim_seconds: float) -> Passage:
    draft = IetfDraft(VERSIONS[number])
    creation = draft.creation(probe.url, LENGTH, metadata(), instant=False)
    interim = final = None
    in_time = in_step = True
    with closing(probe.begin(creation, len(PART))) as connection:
        try:
            final = _next_response(connection, interim_seconds) if interim_seconds else None
            in_time = final is not None
            if final is None or final.status == INTERIM:
                interim = final
                connection.send(PART)
                final = _next_response(connection, ANSWER_SECONDS)
            while final is not None and final.status == INTERIM:
                interim = interim or final
                final = _next_response(connection, ANSWER_SECONDS)
            if interim is not None and final is not None:
                in_step = _is_in_step(connection, draft.limits_request(probe.url), number)
        except (OSError, http.client.HTTPException):
            # A proxy may not wait for the content; that is the subject of another check.
            pass
    for answer in (interim, final):
        if answer is not None:
            probe.remember(answer.headers.get("location", ""))
    return Passage(interim=interim, final=final, in_time=in_time, in_step=in_step)


def _is_in_step(connection: http.client.HTTPConnection, request: Request, number: int) -> bool:
    """Return whether a request on the connection has its own answer.

    nginx passes a 104 and the answer behind it as one answer without an end, so that all looks well
    until here.
    """
    again = http.client.HTTPConnection(connection.host, connection.port)
    again.sock = connection.sock
    again.request(request.method, urlsplit(request.url).path, headers=dict(request.headers))
    answer = _next_response(again, ANSWER_SECONDS)
    return answer is not None and _states(answer, number)


def _next_response(connection: http.client.HTTPConnection, seconds: float) -> ProbeResponse | None:
    """Return the next response, interim ones too, which HTTPConnection takes for the last.

    Raises: OSError, http.client.HTTPException: the connection was cut.
    """
    if connection.sock is None:
        raise ConnectionError("closed")
    connection.sock.settimeout(seconds)
    with closing(http.client.HTTPResponse(connection.sock, method="POST")) as response:
        try:
            response.begin()
            return probe_response(response)
        except TimeoutError:
            return None


def judge_passage(passage: Passage) -> Finding:
    """Return the finding about 104."""
    check, interim, final = "interim-responses", passage.interim, passage.final
    made = None if final is None else (final.status, final.headers.get("location"))
    if interim is not None:
        if made != (201, interim.headers.get("location")) or not passage.in_step:
            return problem(
                check,
                "Something on the way takes a 104 for the answer: uploads of iOS stand still, and "
                "later answers are lost or misplaced.",
                "Set behind_proxy to true, or interim_responses to never: nginx can't pass 104.",
            )
        if passage.in_time:
            return ok(check, "A 104 arrives with the address of an upload, and its answer.")
    elif final is None or final.status != 201:
        raise CheckSkipped(
            "It is not known whether a 104 arrives: a creation by the IETF's draft was "
            f"{'not answered' if final is None else f'answered {final.status}'}.",
            "See the other findings, and the logs of proxy and server.",
        )
    return note(
        check,
        "No 104 arrives while content is being sent: an upload of URLSession (iOS) begins again "
        "after a break. Clients that create first and append then lose nothing.",
        "Nothing to do if no such app uploads here. Otherwise let it reach the server without a "
        "proxy, or by proxies that pass 104, and set interim_responses to always.",
    )
