"""Check what requests without a token, with another host name or from another site can read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

import httpx

from tusd_py.bounded_http import IDENTITY
from tusd_py.client.messages import Request
from tusd_py.client.sending import send_request
from tusd_py.doctor.deployment.probe_client import ANSWER_SECONDS, ProbeClient
from tusd_py.doctor.findings import Finding, ok, problem

OPERATOR: Final = "operators-page"
METRICS: Final = "open-paths"
NAMES: Final = "host-names"
SITES: Final = "other-sites"
FOREIGN: Final = "tusd-doctor.invalid"
"""A name that never exists (RFC 6761, 6.4)."""
_SIGNS: Final = {
    "admin": b"page/admin.js",
    "api/admin/overview": b'"away"',
    "metrics": b"tusd_",
    "readyz": b'"checks"',
}
"""What each of our own answers contains; another site at this address may answer 200 to anything.
"""
_CLOSE_PATHS: Final = (
    "Set monitoring_listen, or refuse these paths in the proxy. nginx: location = /metrics { "
    "return 404; }; "
    "HAProxy: http-request deny if { path /metrics /readyz }; Caddy: respond /metrics 404; "
    'Apache: <Location "/metrics"> Require all denied </Location>; each for /readyz alike.'
)
_TELL_HOST: Final = (
    "Let the proxy pass the browser's Host on (nginx: proxy_set_header Host $http_host; Apache: "
    "ProxyPreserveHost On; HAProxy and Caddy do), list it in allowed_hosts, and set behind_proxy "
    "where TLS ends before "
    "the server; or set auth."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """The requests that were answered with 200, by tusd-py itself."""

    open_paths: frozenset[str]
    """Paths for the operator and for monitoring that are open without a token."""
    anonymous: bool
    """Whether the list of all files is open without a token."""
    foreign_host: bool
    """Whether that list is open under another host name."""
    foreign_origin: bool
    """Whether a page of another site can read that list."""


def check_exposure(probe: ProbeClient) -> list[Finding]:
    """Send requests without a token. Raises: httpx.TransportError."""
    with httpx.Client(
        verify=probe.tls or False, timeout=ANSWER_SECONDS, trust_env=False
    ) as stranger:

        def shows(path: str, sign: bytes, headers: Mapping[str, str] | None = None) -> bool:
            address = urljoin(probe.url, f"../{path}")
            sent = Request(method="GET", url=address, headers={**IDENTITY, **(headers or {})})
            answer = send_request(stranger, sent)
            return answer.status == 200 and sign in answer.content

        files = ("api/file/upload/tasks", b'"tasks"')
        page = {"Origin": f"https://{FOREIGN}", "Sec-Fetch-Site": "cross-site"}
        anonymous = shows(*files)
        return judge_exposure(
            Exposure(
                open_paths=frozenset(path for path, sign in _SIGNS.items() if shows(path, sign)),
                anonymous=anonymous,
                foreign_host=anonymous and shows(*files, {"Host": FOREIGN}),
                foreign_origin=anonymous and shows(*files, page),
            )
        )


def judge_exposure(seen: Exposure) -> list[Finding]:
    """Return the findings, one for each kind of request."""
    return [_operators_page(seen), _metrics(seen), _names(seen), _sites(seen)]


def _operators_page(seen: Exposure) -> Finding:
    # With authentication the page itself is public; it has no data before a token is entered.
    if "api/admin/overview" in seen.open_paths or ("admin" in seen.open_paths and seen.anonymous):
        return problem(
            OPERATOR,
            "The operator's page opens without a token: names of files, and jobs that can be "
            "begun again.",
            "Use a tusd-py that requires a one-time link, or set auth; let the proxy add no token "
            "or cookie.",
        )
    return ok(OPERATOR, "The operator's page is closed to strangers.")


def _metrics(seen: Exposure) -> Finding:
    open_paths = sorted(f"/{path}" for path in seen.open_paths & {"metrics", "readyz"})
    if open_paths:
        are = "is" if len(open_paths) == 1 else "are"
        return problem(METRICS, f"{' and '.join(open_paths)} {are} open to anyone.", _CLOSE_PATHS)
    return ok(METRICS, "Figures and readiness are not shown to strangers.")


def _names(seen: Exposure) -> Finding:
    if seen.foreign_host:
        return problem(
            NAMES,
            "Without authentication the files are shown under any host name, so that a web page "
            "can rebind "
            "its own name and read them.",
            _TELL_HOST,
        )
    why = "Other host names are refused" if seen.anonymous else "A token is needed"
    return ok(NAMES, f"{why}: a rebound name shows nothing.")


def _sites(seen: Exposure) -> Finding:
    if seen.foreign_origin:
        return problem(
            SITES,
            "Without authentication the files are shown to pages of any other site.",
            "List in cors.allow_origins the sites that may use it, and no others; let the proxy "
            "pass Origin and "
            "Sec-Fetch-Site on; or set auth.",
        )
    why = "They are refused" if seen.anonymous else "A token is needed"
    return ok(SITES, f"Pages of other sites see no files. {why}.")
