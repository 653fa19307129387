"""Check whether all methods of tus pass.

This check runs first: later requests override the methods that are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tusd_py.client.file_upload import BODY
from tusd_py.doctor.deployment.probe_client import ProbeClient, ProbeResponse
from tusd_py.doctor.findings import Finding, note, ok, problem

_OVERRIDE: Final = "X-HTTP-Method-Override"


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
        overridden=probe.request(
            "POST", patched.url, {**BODY, "Upload-Offset": str(at), _OVERRIDE: "PATCH"}, b"b"
        ),
    )
    first, second = probe.create(4), probe.create(4)
    delete = MethodResult(
        direct=probe.request("DELETE", first.url),
        overridden=probe.request("POST", second.url, {_OVERRIDE: "DELETE"}),
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
                f"PATCH and DELETE pass, {_OVERRIDE} does not: clients behind a firewall that "
                "knows only GET and POST can't upload.",
                f"Let the proxy pass {_OVERRIDE}.",
            )
        ]
    return [ok("methods", f"PATCH and DELETE pass, and {_OVERRIDE} does.")]


def _blocked(name: str, passage: MethodResult) -> Finding:
    what = {"PATCH": "nothing can be uploaded", "DELETE": "no upload can be cancelled"}[name]
    disguised = passage.overridden.status == 204
    return problem(
        "methods",
        f"{name} is refused before it reaches the server (status {passage.direct.status}): {what}"
        + (" by clients that do not override the method." if disguised else "."),
        f"Allow {name} in the proxy or firewall (in nginx look for limit_except).",
    )
