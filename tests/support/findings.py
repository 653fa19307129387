"""Reads the findings of the doctor."""

from tusd_py.doctor.findings import Finding, Level

Levels = dict[str, Level]


def levels(findings: list[Finding]) -> Levels:
    """Return the findings that are not fine; each has a remedy."""
    assert all(one.remedy for one in findings if one.level is not Level.OK)
    return {one.check: one.level for one in findings if one.level is not Level.OK}
