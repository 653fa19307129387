"""Check Location, for which the server must know its own address."""

from typing import Final
from urllib.parse import urljoin, urlsplit

from tusd_py.client.tus_requests import offset_request
from tusd_py.doctor.deployment.probe_client import ProbeClient
from tusd_py.doctor.findings import Finding, Level, ok, problem, warning

CHECK: Final = "location"
_FORWARD: Final = (
    "Set public_url to the address that clients use; or set behind_proxy to true, and let all "
    "proxies send Host (or X-Forwarded-Host) and X-Forwarded-Proto as the client knows them."
)


def check_location(probe: ProbeClient) -> list[Finding]:
    """Create an upload, compare the addresses, and follow the one in Location."""
    made = probe.create(1)
    location = made.answer.headers["location"]
    found = judge_location(probe.url, location)
    if found.level is not Level.OK:
        return [found]
    answer = probe.send(offset_request(urljoin(probe.url, location)))
    return [found if answer.status == 200 else judge_offset_request(answer.status)]


def judge_offset_request(status: int) -> Finding:
    """Return the finding about a HEAD of a new upload that was not answered with 200."""
    if status == 409:
        # The answer to a GET of an upload that is not complete.
        return problem(
            CHECK,
            "A HEAD of a new upload is answered as a GET: something between changes the method.",
            "Let the proxy pass HEAD as it is. nginx: proxy_cache off, or proxy_cache_convert_head "
            "off.",
        )
    return problem(
        CHECK,
        f"The address of a new upload answers {status}.",
        "Let the proxy pass everything below base_path to the same servers.",
    )


def judge_location(url: str, location: str) -> Finding:
    """Return the finding about the address of an upload of the endpoint ``url``."""
    requested, stated = urlsplit(url), urlsplit(urljoin(url, location))
    if stated.scheme != requested.scheme:
        return problem(
            CHECK,
            f"New uploads have addresses with {stated.scheme}://, but {requested.scheme}:// was "
            "requested: browsers refuse, others send in the open or fail.",
            _FORWARD,
        )
    if (stated.hostname, _port(stated.scheme, stated.port)) != (
        requested.hostname,
        _port(requested.scheme, requested.port),
    ):
        return problem(
            CHECK,
            f"New uploads have addresses at {stated.netloc}, but {requested.netloc} was requested.",
            _FORWARD,
        )
    if not stated.path.startswith(requested.path):
        return problem(
            CHECK,
            f"New uploads have addresses below another path than {requested.path}.",
            "Set public_url to the address that clients use, without base_path; or let the proxy "
            "send X-Forwarded-Prefix with the path that it takes away, and set behind_proxy.",
        )
    if not urlsplit(location).netloc:
        return warning(
            CHECK,
            "The address of a new upload has no host, which some clients can't follow (aiotus).",
            _FORWARD,
        )
    return ok(CHECK, "New uploads have the address that was requested.")


def _port(scheme: str, port: int | None) -> int:
    return port or (443 if scheme == "https" else 80)
