"""Check whether there is a tus endpoint, and the kind of its connection."""

import socket
import ssl
from urllib.parse import urlsplit

import httpx

from tusd_py.client.responses import failure_of
from tusd_py.doctor.deployment.probe_client import (
    ProbeClient,
    ProbeResponse,
    TypeNotAllowed,
    Unreachable,
    is_certificate_error,
)
from tusd_py.doctor.findings import CheckSkipped, Finding, note, ok, problem, warning


def reach(probe: ProbeClient) -> ProbeResponse | Finding:
    """Return the answer to OPTIONS; a finding if the certificate is not valid.

    Raises: Unreachable.
    """
    try:
        return probe.request("OPTIONS", probe.url)
    except httpx.TransportError as error:
        if is_certificate_error(error):
            return problem(
                "tls",
                "The certificate is not valid for this address.",
                "Send the whole chain, for this host name, before it expires. If it is your own: "
                "--cacert FILE trusts it, and --insecure makes the other checks without it.",
            )
        raise Unreachable(str(failure_of(error))) from error


def judge_endpoint(answer: ProbeResponse) -> list[Finding]:
    """Return the findings about OPTIONS. After a problem here nothing else is checked."""
    if "tus-resumable" not in answer.headers:
        if answer.status in (401, 403):
            return [
                problem(
                    "endpoint",
                    f"The answer is {answer.status}, and not a tus server's.",
                    "Give --token; preflights and OPTIONS must pass without one.",
                )
            ]
        if answer.status == 421:
            return [
                problem(
                    "endpoint",
                    "The server does not accept the host of the request (421): without auth it "
                    "accepts the names of its own machine only.",
                    "Set auth.access_secret, since a proxy makes all clients local; or list the "
                    "name that the server receives in allowed_hosts.",
                )
            ]
        return [
            problem(
                "endpoint",
                f"What answers ({answer.status}) is not a tus server.",
                "Give the address of base_path, by default /files/, with its slash; pass OPTIONS "
                "on to the server.",
            )
        ]
    missing = [
        name for name in ("Tus-Version", "Tus-Extension") if name.lower() not in answer.headers
    ]
    if missing:
        return [
            warning(
                "endpoint",
                f"A tus server whose answer lacks {' and '.join(missing)}: clients can't see what "
                "it is able to do.",
                "Let the proxy pass all header fields that begin with Tus-.",
            )
        ]
    return [
        ok("endpoint", f"tus {answer.headers['tus-version']}: {answer.headers['tus-extension']}.")
    ]


def check_creation(probe: ProbeClient) -> list[Finding]:
    """Check whether uploads can be created, which all other checks need.

    Raises: TypeNotAllowed, httpx.TransportError.
    """
    try:
        probe.create(1)
    except TypeNotAllowed:
        raise
    except CheckSkipped as unseen:
        return [problem("creation", unseen.sentence, unseen.remedy)]
    return [ok("creation", "Uploads can be created.")]


def check_connection(probe: ProbeClient) -> list[Finding]:
    """Check the version of HTTP, and whether the connection is encrypted."""
    parts = urlsplit(probe.url)
    if parts.scheme == "http":
        if parts.hostname in ("localhost", "127.0.0.1", "::1"):
            return [ok("tls", "Plain HTTP, on this machine.")]
        return [
            warning(
                "tls",
                "Plain HTTP: anyone on the path can read and change uploads.",
                "Serve it by HTTPS.",
            )
        ]
    return [judge_protocol(_offered(probe.make_tls(), parts.hostname or "", parts.port or 443))]


def _offered(context: ssl.SSLContext, host: str, port: int) -> str | None:
    """Return the protocol that the server selects by ALPN."""
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection((host, port), 10) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        return secured.selected_alpn_protocol()


def judge_protocol(offered: str | None) -> Finding:
    """Return the finding about the version of HTTP."""
    if offered == "h2":
        return ok("tls", "HTTPS with HTTP/2.")
    return note(
        "tls",
        "HTTPS with HTTP/1.1: a browser opens six connections to a host, and each open event "
        "stream takes one.",
        "Turn on HTTP/2 in the proxy.",
    )
