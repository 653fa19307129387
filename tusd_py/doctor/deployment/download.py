"""Check GET with Range, with which players seek and downloads resume."""

from typing import Final

from tusd_py.doctor.deployment.probe_client import ProbeClient, ProbeResponse
from tusd_py.doctor.findings import CheckSkipped, Finding, ok, problem

CONTENT: Final = bytes(range(256))
"""The content is always the same, so that the pool keeps it once."""
FIRST: Final = 16
LAST: Final = 31


def check_range(probe: ProbeClient) -> list[Finding]:
    """Upload a small file and request a part of it; a redirect to an object store is followed."""
    made = probe.create(len(CONTENT))
    appended = probe.append(made.url, 0, CONTENT)
    if appended.status != 204:
        raise CheckSkipped(
            f"A small upload could not be finished (status {appended.status}).",
            "See the other findings.",
        )
    answer = probe.request("GET", made.url, {"Range": f"bytes={FIRST}-{LAST}"}, follow=True)
    return [judge_range(answer)]


def judge_range(answer: ProbeResponse) -> Finding:
    """Return the finding about the answer to a request for the bytes FIRST to LAST of CONTENT."""
    check = "range"
    if answer.status in (404, 405, 501):
        raise CheckSkipped(
            f"GET answers {answer.status}: this server does not give files back here.",
            "Nothing to do, if that is wanted.",
        )
    wanted = CONTENT[FIRST : LAST + 1]
    expected = f"bytes {FIRST}-{LAST}/{len(CONTENT)}"
    if (
        answer.status == 206
        and answer.content == wanted
        and answer.headers.get("content-range") == expected
    ):
        return ok(check, "Parts of a file can be had.")
    if answer.status == 200 and answer.content == CONTENT:
        return problem(
            check,
            "A part was requested and the whole file came: players can't seek, downloads begin "
            "again.",
            "Let the proxy pass Range, Content-Range and Accept-Ranges; do not compress downloads.",
        )
    return problem(
        check,
        "A part of a finished file was requested, and something else came (status "
        f"{answer.status}).",
        "Let the proxy pass GET below base_path unchanged, and keep no answers to Range.",
    )
