"""Fixtures, markers and the closing table of the suite for the IETF's resumable uploads.

The suite is for any server, and knows of it only what it announces. A check runs once for each
version of the draft in its range. A skip means that it does not apply to this server: a limit that
is not announced, a setting that the environment does not have, a proxy that passes no 104. A run on
a given server should list the skips that are right for it and fail on any other, as
tests/integration/test_ietf_conformance.py does with ours.

Environment
    RUFH_URL            creation URL of the server under test (required)
    RUFH_VERSIONS       interop versions, with commas: 3,4,5,6,7,8,9,10,none (default: all)
    RUFH_TIMEOUT        seconds to wait for any one response (default 30)
    RUFH_EXTRA_HEADERS  JSON object of headers added to every request, e.g. for auth
    RUFH_OTHER_HEADERS  the same of another user, who must not reach the uploads of the first
    RUFH_PROXY          1 if a proxy that can't pass 104 is in between
    RUFH_EXPIRY         seconds until an unfinished upload expires
    RUFH_ORIGIN         origin of a page that may use the server (default https://app.example.test)
    RUFH_FORM_URL       an endpoint of the application that takes a multipart form
    RUFH_FORM_FIELD     the name of the file's field in that form (default file)
    RUFH_REPORT         file to write the outcome of each I-id by version to, as JSON
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from tusprobe import require_environment
from tusprobe.outcomes import add_report

from draftprobe import UNVERSIONED, WORDS, Draft, Peer, Upload

LEVELS = ("must", "should", "best")
MARKERS = {
    "must": "a MUST of the draft, or of the HTTP that it builds on",
    "should": "a SHOULD of the draft",
    "best": "left open by the draft; what its clients, HTTP or safety demand",
    "versions(since, until)": "runs for these interop versions; the RFC's client is behind all",
    "named": "runs only for clients that name a version: what others never get",
    "needs_interim": "runs only where 104 responses can reach the client",
    "needs_env(*names)": "runs only where each environment variable is set",
}
CASE_ID = re.compile(r"test_i(\d+)_")

_outcomes: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)


def pytest_configure(config: pytest.Config) -> None:
    for name, text in MARKERS.items():
        config.addinivalue_line("markers", f"{name}: {text}")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test for each version in the check's range."""
    if "draft" not in metafunc.fixturenames:
        return
    mark = metafunc.definition.get_closest_marker("versions")
    bounds = mark.kwargs if mark else {}
    last = UNVERSIONED - 1 if metafunc.definition.get_closest_marker("named") else UNVERSIONED
    first, last = bounds.get("since", 0), min(bounds.get("until", UNVERSIONED), last)
    wanted = os.environ.get("RUFH_VERSIONS", ",".join(WORDS)).split(",")
    names = [name for name in WORDS if name in wanted and first <= WORDS[name].version <= last]
    metafunc.parametrize("draft", names, ids=[f"v{name}" for name in names], indirect=True)


@pytest.fixture(scope="session")
def peer() -> Peer:
    """Return the server under test; the run ends here when it cannot be reached."""
    url = os.environ.get("RUFH_URL")
    if not url:
        pytest.exit("set RUFH_URL to the creation URL of a server", returncode=4)
    server = Peer(
        url,
        json.loads(os.environ.get("RUFH_EXTRA_HEADERS", "{}")),
        float(os.environ.get("RUFH_TIMEOUT", "30")),
        behind_proxy=os.environ.get("RUFH_PROXY") == "1",
    )
    try:
        server.connect().close()
    except OSError as error:
        pytest.exit(f"no server at {url}: {error}", returncode=4)
    return server


@pytest.fixture
def draft(peer: Peer, request: pytest.FixtureRequest) -> Draft:
    """Return the server, spoken to in the words of one version."""
    return Draft(peer, WORDS[request.param])


@pytest.fixture
def upload(draft: Draft) -> Upload:
    """Return a new, empty upload of ten bytes."""
    return draft.create(10)


@pytest.fixture(autouse=True)
def _applies(request: pytest.FixtureRequest) -> None:
    """Skip what the environment does not set, or what a proxy does not pass."""
    item = request.node
    require_environment(item)
    if item.get_closest_marker("needs_interim"):
        request.getfixturevalue("peer").passes_interim()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # No version of the run is in the range of such a check.
    items[:] = [item for item in items if "NOTSET" not in item.name]
    for item in items:
        levels = [name for name in LEVELS if item.get_closest_marker(name)]
        match = CASE_ID.match(item.name)
        if len(levels) != 1 or not match:
            raise pytest.UsageError(f"{item.nodeid}: wants an I-id and exactly one level")
        version = re.search(r"\[.*\bv(\d+|none)\b", item.name)
        item.user_properties += [
            ("case", f"I{int(match[1])}"),
            ("level", levels[0]),
            ("version", version[1] if version else "any"),
        ]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Record an outcome. With pytest-xdist the reports of all processes come here."""
    if report.when != "call" and report.outcome == "passed":
        return
    said = {str(name): str(value) for name, value in report.user_properties}
    case = _outcomes[said["case"]].setdefault(
        said["version"], {"level": said["level"], "outcome": "skipped"}
    )
    add_report(case, report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("IETF resumable uploads, by version and level")
    for version in [*WORDS, "any"]:
        cases = {name: case[version] for name, case in _outcomes.items() if version in case}
        for level in LEVELS:
            at_level = {name: case for name, case in cases.items() if case["level"] == level}
            if not at_level:
                continue
            count = Counter(case["outcome"] for case in at_level.values())
            failed = [name for name, case in at_level.items() if case["outcome"] == "failed"]
            terminalreporter.write_line(
                f"{version:4} {level.upper():6} passed {count['passed']:3}  "
                f"failed {count['failed']:3}  skipped {count['skipped']:3}  {' '.join(failed)}"
            )
    if path := os.environ.get("RUFH_REPORT"):
        text = json.dumps(_outcomes, indent=1, sort_keys=True)
        Path(path).write_text(text + "\n", encoding="utf-8")
