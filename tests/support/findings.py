"""Reads the findings of the doctor."""

from tusd_py.doctor.deployment.probe_client import ProbeResponse
from tusd_py.doctor.findings import Finding, Level

Levels = dict[str, Level]
OK, NOTE, WARNING, PROBLEM = Level.OK, Level.NOTE, Level.WARNING, Level.PROBLEM


def levels(findings: list[Finding]) -> Levels:
    """Return the findings that are not fine; each has a remedy."""
    assert all(one.remedy for one in findings if one.level is not Level.OK)
    return {one.check: one.level for one in findings if one.level is not Level.OK}


def answer(status: int = 204, body: bytes = b"", **headers: str) -> ProbeResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ProbeResponse(status=status, headers=named, content=body)


def level(found: Finding) -> Level:
    assert found.remedy or found.level is OK
    return found.level
