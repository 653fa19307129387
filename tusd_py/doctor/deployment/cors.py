"""Check whether a web page may use the deployment and read its responses."""

from collections.abc import Mapping
from typing import Final

from tusd_py.doctor.deployment.probe_client import ProbeClient, ProbeResponse
from tusd_py.doctor.findings import Finding, note, ok, problem

CHECK: Final = "cors"
METHODS: Final = ("POST", "HEAD", "PATCH", "DELETE")
REQUESTED: Final = (
    "content-type", "tus-resumable", "upload-length", "upload-metadata", "upload-offset",
)  # fmt: skip
EXPOSED: Final = ("location", "tus-resumable", "upload-length", "upload-metadata", "upload-offset")
"""The headers that tus-js-client reads."""
_REMEDY: Final = "Let the proxy pass CORS and OPTIONS unchanged; the server answers them."


def check_cors(probe: ProbeClient) -> list[Finding]:
    """Send a preflight, then the request for which it was sent."""
    origin = {"Origin": probe.origin}
    preflight = probe.request(
        "OPTIONS",
        probe.url,
        {
            **origin,
            "Access-Control-Request-Method": "PATCH",
            "Access-Control-Request-Headers": ",".join(REQUESTED),
        },
    )
    if preflight.code == "origin_not_allowed":
        return [judge_refusal(probe.origin, given=probe.origin_given)]
    made = probe.create(1, origin)
    return judge_cors(probe.origin, preflight, made.answer)


def judge_refusal(origin: str, *, given: bool) -> Finding:
    """Return the finding about an origin that the server itself refuses.

    Args: given: the origin was given on the command line.
    """
    level = problem if given else note
    return level(
        CHECK,
        f"The server does not allow pages of {origin}.",
        f"Put {origin} into cors.allow_origins."
        if given
        else "Give --origin the address of the page that is to use it.",
    )


def judge_cors(origin: str, preflight: ProbeResponse, created: ProbeResponse) -> list[Finding]:
    """Return the findings about a preflight for PATCH, and the answer to a POST."""
    allowed = preflight.headers
    if preflight.status not in (200, 204):
        return [problem(CHECK, f"A preflight is answered {preflight.status}.", _REMEDY)]
    for headers in (allowed, created.headers):
        found = _origin(origin, headers.get("access-control-allow-origin", ""))
        if found is not None:
            return [found]
    lacking = {
        "allow the methods": _missing(METHODS, allowed, "access-control-allow-methods"),
        "allow the request's": _missing(REQUESTED, allowed, "access-control-allow-headers"),
        "expose": _missing(EXPOSED, created.headers, "access-control-expose-headers"),
    }
    found_lacking = [
        problem(CHECK, f"Answers do not {what} {', '.join(names)}: browsers can't upload.", _REMEDY)
        for what, names in lacking.items()
        if names
    ]
    return found_lacking or [ok(CHECK, f"Pages of {origin} may upload.")]


def _origin(origin: str, allowed: str) -> Finding | None:
    if "," in allowed:
        return problem(
            CHECK,
            "Answers carry Access-Control-Allow-Origin twice, which browsers take for a refusal.",
            "Let one of proxy and server answer CORS: take the proxy's own add_header out.",
        )
    if allowed not in ("*", origin):
        return problem(
            CHECK, f"Answers do not allow pages of {origin} (Access-Control-Allow-Origin).", _REMEDY
        )
    return None


def _missing(wanted: tuple[str, ...], headers: Mapping[str, str], field: str) -> list[str]:
    allowed = {part.strip().lower() for part in headers.get(field, "").split(",")}
    return [name for name in wanted if name.lower() not in allowed and "*" not in allowed]
