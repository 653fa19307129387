"""Check that answers arrive complete and fresh, and that both clocks agree."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from tusd_py.client.tus_requests import offset_request
from tusd_py.doctor.deployment.probe_client import ProbeClient, metadata
from tusd_py.doctor.findings import Finding, note, ok, problem, warning
from tusd_py.protocol.fields import metadata_header

NEEDED: Final = ("tus-resumable", "upload-offset", "upload-length", "upload-metadata")
CLOCK_SECONDS: Final = 5.0
WRONG_SECONDS: Final = 300.0
"""Object stores refuse links that were signed this far from their own time, or a little further."""
SHORT_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """The headers before and after a byte was appended; their names are in lower case."""

    before: Mapping[str, str]
    appended: Mapping[str, str]
    after: Mapping[str, str]
    metadata: str
    """The Upload-Metadata that was sent."""


def check_headers(probe: ProbeClient) -> list[Finding]:
    """Create an upload, read its offset, append a byte and read the offset again."""
    sent = metadata_header(metadata())
    made = probe.create(4, {"Upload-Metadata": sent})
    before = probe.send(offset_request(made.url))
    appended = probe.append(made.url, 0, b"a")
    after = probe.send(offset_request(made.url))
    inspection = Inspection(
        before=before.headers, appended=appended.headers, after=after.headers, metadata=sent
    )
    return [judge_headers(inspection)]


def judge_headers(seen: Inspection) -> Finding:
    """Return the finding."""
    missing = [name for name in NEEDED if name not in seen.before]
    if "upload-offset" not in seen.appended and "upload-offset" not in missing:
        missing.append("upload-offset (of PATCH)")
    if missing:
        return problem(
            "headers",
            f"Answers arrive without {', '.join(missing)}: clients can't resume.",
            "Let the proxy pass all header fields in both directions.",
        )
    if seen.before["upload-metadata"] != seen.metadata:
        return problem(
            "headers",
            "Upload-Metadata reaches the server changed.",
            "Let the proxy pass all header fields in both directions.",
        )
    if seen.after.get("upload-offset") == seen.before["upload-offset"]:
        return problem(
            "headers",
            "HEAD shows an old offset: a cache keeps answers.",
            "Turn the proxy's cache off for the tus endpoint.",
        )
    if "no-store" not in seen.before.get("cache-control", ""):
        return warning(
            "headers",
            "HEAD comes without Cache-Control: no-store, so that something may keep it.",
            "Let the proxy pass Cache-Control as the server sends it.",
        )
    return ok("headers", "Answers arrive whole and fresh.")


def check_clock(probe: ProbeClient) -> list[Finding]:
    """Compare Date with our clock; check when a new upload expires."""
    before = probe.clock.now()
    made = probe.create(1)
    unsure = (probe.clock.now() - before) / 2
    headers = made.answer.headers
    return judge_clock(
        headers.get("date"), headers.get("upload-expires"), before + unsure, unsure=unsure
    )


def judge_clock(
    date: str | None, expires: str | None, ours: float, *, unsure: float = 0.0
) -> list[Finding]:
    """Return the findings.

    Args: ours: this machine's time when the answer was made, unix seconds; unsure: by how many
        seconds that time may be wrong, since the answer was slow.
    """
    theirs = _seconds(date)
    if theirs is None:
        return [
            note(
                "clock", "Answers carry no valid Date.", "Let the proxy pass Date, or set its own."
            )
        ]
    off = theirs - ours
    found = []
    # Date has whole seconds.
    if abs(off) > CLOCK_SECONDS + 1 + unsure:
        level = problem if abs(off) > WRONG_SECONDS else warning
        side = "before" if off > 0 else "behind"
        found.append(
            level(
                "clock",
                f"Its clock is {abs(off):.0f} s {side} this machine's.",
                "Run NTP on both; signed links and expiry go by it.",
            )
        )
    left = _seconds(expires)
    if left is not None and left - theirs < SHORT_SECONDS:
        found.append(
            problem(
                "expires",
                "A new upload expires within a minute, or has expired already.",
                "Raise upload_expires; let the proxy pass Upload-Expires unchanged.",
            )
        )
    return found or [ok("clock", "Its clock agrees with this machine's.")]


def _seconds(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text or "").timestamp()
    except ValueError:
        return None
