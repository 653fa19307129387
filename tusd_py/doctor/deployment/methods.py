"""Check whether all methods of tus pass.

This check runs first: later requests override the methods that are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tusd_py.client.tus_requests import append_request, termination
from tusd_py.doctor.deployment.probe_client import (
    OVERRIDE,
    ProbeClient,
    ProbeResponse,
    overriding,
)
from tusd_py.doctor.findings import Finding, note, ok, problem


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodResult:
    """The answers to one method, directly and as an overridden POST."""

    direct: ProbeResponse
    overridden: ProbeResponse

    @property
    def blocked(self) -> bool:
        """Whether something that is not a tus server refused the method."""
        return self.direct.status != 204 and "tus-resumable" not in self.direct.headers


def check_methods(probe: ProbeClient) -> list[Finding]:
    """Try PATCH and DELETE, twice each; note in ``probe`` which must be overridden."""
    patched = probe.create(4)
    direct = probe.append(patched.url, 0, b"a")
    at = 1 if direct.status == 204 else 0
    patch = MethodResult(
        direct=direct,
        overridden=probe.send(overriding(append_request(patched.url, at, b"b"))),
    )
    first, second = probe.create(4), probe.create(4)
    delete = MethodResult(
        direct=probe.send(termination(first.url)),
        overridden=probe.send(overriding(termination(second.url))),
    )
    passages = {"PATCH": patch, "DELETE": delete}
    probe.overridden = frozenset(name for name, passage in passages.items() if passage.blocked)
    return judge_methods(passages)


def judge_methods(passages: Mapping[str, MethodResult]) -> list[Finding]:
    """Return the findings."""
    blocked = {name: passage for name, passage in passages.items() if passage.blocked}
    if blocked:
        return [_blocked(name, passage) for name, passage in blocked.items()]
    if any(passage.overridden.status != 204 for passage in passages.values()):
        return [
            note(
                "methods",
                f"PATCH and DELETE pass, {OVERRIDE} does not: clients behind a firewall that "
                "knows only GET and POST can't upload.",
                f"Let the proxy pass {OVERRIDE}.",
            )
        ]
    return [ok("methods", f"PATCH and DELETE pass, and {OVERRIDE} does.")]


def _blocked(name: str, passage: MethodResult) -> Finding:
    what = {"PATCH": "nothing can be uploaded", "DELETE": "no upload can be cancelled"}[name]
    disguised = passage.overridden.status == 204
    return problem(
        "methods",
        f"{name} is refused before it reaches the server (status {passage.direct.status}): {what}"
        + (" by clients that do not override the method." if disguised else "."),
        f"Allow {name} in the proxy or firewall (in nginx look for limit_except).",
    )
