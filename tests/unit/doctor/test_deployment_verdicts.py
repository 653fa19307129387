"""What a deployment's answers mean: tables."""

from dataclasses import replace
from typing import Any

import pytest
from support.clock import FakeClock

from tusd_py.doctor.deployment.bodies import (
    judge_buffering,
    judge_silence,
    judge_size,
    smallest_refused,
)
from tusd_py.doctor.deployment.cors import judge_cors, judge_refusal
from tusd_py.doctor.deployment.download import CONTENT, judge_range
from tusd_py.doctor.deployment.endpoint import judge_endpoint, judge_protocol
from tusd_py.doctor.deployment.events import EventLog, judge_events
from tusd_py.doctor.deployment.exposure import Exposure, judge_exposure
from tusd_py.doctor.deployment.headers import Inspection, judge_clock, judge_headers
from tusd_py.doctor.deployment.location import judge_location
from tusd_py.doctor.deployment.methods import MethodResult, judge_methods
from tusd_py.doctor.deployment.probe_client import ProbeClient, ProbeResponse
from tusd_py.doctor.deployment.websocket import judge_websocket
from tusd_py.doctor.findings import CheckSkipped, Finding, Level

OK, NOTE, WARNING, PROBLEM = Level.OK, Level.NOTE, Level.WARNING, Level.PROBLEM
PROBLEM_JSON = {"content-type": "application/problem+json"}


def answer(status: int = 204, body: bytes = b"", **headers: str) -> ProbeResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ProbeResponse(status=status, headers=named, content=body)


def level(found: Finding) -> Level:
    assert found.remedy or found.level is OK
    return found.level


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (ProbeResponse(status=413, headers=PROBLEM_JSON, content=b'{"code": "length_exceeded"}'),
         "length_exceeded"),
        (ProbeResponse(status=413, headers=PROBLEM_JSON, content=b"<html>"), ""),
        (ProbeResponse(status=413, headers=PROBLEM_JSON, content=b"[]"), ""),
        (ProbeResponse(status=413, headers={"content-type": "text/html"}, content=b'{"code": "x"}'),
         ""),
        (ProbeResponse(status=413, headers={}), ""),
    ],
)  # fmt: skip
def test_only_the_servers_own_refusals_have_a_code(given: ProbeResponse, code: str) -> None:
    assert given.code == code


@pytest.mark.parametrize("url", ["", "files", "ftp://a/files/", "http:///files/", "https://a/f/?x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        ProbeClient(url, origin=None, token=None, clock=FakeClock())


TUS = {"tus_resumable": "1.0.0", "tus_version": "1.0.0", "tus_extension": "creation"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (answer(**TUS), OK),
        (answer(tus_resumable="1.0.0"), WARNING),
        (answer(200), PROBLEM),
        (answer(401), PROBLEM),
    ],
)
def test_endpoint(given: ProbeResponse, expected: Level) -> None:
    assert [level(one) for one in judge_endpoint(given)] == [expected]


def test_protocol() -> None:
    assert level(judge_protocol("h2")) is OK
    assert level(judge_protocol("http/1.1")) is NOTE
    assert level(judge_protocol(None)) is NOTE


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("https://a.example/up/files/1", OK),
        ("https://a.example:443/up/files/1", OK),
        ("https://A.example/up/files/1", OK),
        ("/up/files/1", WARNING),
        ("http://a.example/up/files/1", PROBLEM),
        ("//a.example/up/files/1", OK),
        ("https://backend/up/files/1", PROBLEM),
        ("https://a.example:8888/up/files/1", PROBLEM),
        ("https://a.example/files/1", PROBLEM),
        ("/files/1", PROBLEM),
    ],
)
def test_location(location: str, expected: Level) -> None:
    assert level(judge_location("https://a.example/up/files/", location)) is expected


def test_buffering() -> None:
    assert level(judge_buffering(8192)) is OK
    assert level(judge_buffering(0)) is PROBLEM


@pytest.mark.parametrize(
    ("given", "expected", "words"),
    [
        (answer(204), OK, ""),
        (answer(408), WARNING, "408"),
        (None, WARNING, "cut off"),
        (ProbeResponse(status=500, headers=PROBLEM_JSON, content=b'{"code": "body_timeout"}'),
         WARNING, "server itself"),
    ],
)  # fmt: skip
def test_silence(given: ProbeResponse | None, expected: Level, words: str) -> None:
    found = judge_silence(given, 6.0)
    assert level(found) is expected
    assert words in found.sentence


@pytest.mark.parametrize(
    ("cap", "expected", "tried"),
    [(1000, None, [1000]), (99, 100, [1000, 10, 100]), (5, 10, [1000, 10]),
     (500, 1000, [1000, 10, 100])],
)  # fmt: skip
def test_the_smallest_refused_size_is_found_with_few_tries(
    cap: int, expected: int | None, tried: list[int]
) -> None:
    sizes: list[int] = []

    def refused(size: int) -> bool:
        sizes.append(size)
        return size > cap

    assert smallest_refused(1000, (10, 100), refused) == expected
    assert sizes == tried


def test_sizes_above_what_the_server_takes_are_not_tried() -> None:
    assert smallest_refused(50, (10, 100), lambda size: size > 20) == 50
    assert level(judge_size(None, 50)) is OK
    found = judge_size((100 << 20) + 1, 10 << 30)
    assert level(found) is PROBLEM
    assert "100 MiB" in found.sentence
    assert "10.0 GiB" in found.sentence


@pytest.mark.parametrize(
    ("received", "expected"),
    [
        (EventLog(snapshot=True, change=True, encoding=""), OK),
        (EventLog(snapshot=True, change=True, encoding="gzip"), WARNING),
        (EventLog(snapshot=True, change=False, encoding=""), PROBLEM),
        (EventLog(snapshot=False, change=False, encoding="gzip"), PROBLEM),
    ],
)
def test_events(received: EventLog, expected: Level) -> None:
    assert level(judge_events(received)) is expected


def test_websocket() -> None:
    assert level(judge_websocket(passes=True, received=True)) is OK
    assert level(judge_websocket(passes=True, received=False)) is WARNING
    assert level(judge_websocket(passes=False, received=False)) is WARNING


PREFLIGHT = {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "POST, HEAD, PATCH, DELETE, GET",
    "access-control-allow-headers": (
        "Content-Type, Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset"
    ),
}  # fmt: skip
CREATED = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": (
        "Location, Tus-Resumable, Upload-Length, Upload-Metadata, Upload-Offset"
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("preflight", "created", "expected"),
    [
        ({}, {}, OK),
        ({"access-control-allow-origin": "https://a.example"}, {}, OK),
        ({"access-control-allow-headers": "*"}, {"access-control-expose-headers": "*"}, OK),
        ({"access-control-allow-origin": ""}, {}, PROBLEM),
        ({"access-control-allow-origin": "https://b.example"}, {}, PROBLEM),
        ({}, {"access-control-allow-origin": "*, *"}, PROBLEM),
        ({"access-control-allow-methods": "GET, POST"}, {}, PROBLEM),
        ({"access-control-allow-headers": "Content-Type"}, {}, PROBLEM),
        ({}, {"access-control-expose-headers": "Location"}, PROBLEM),
    ],
    ids=str,
)
def test_cors(preflight: dict[str, str], created: dict[str, str], expected: Level) -> None:
    before = ProbeResponse(status=204, headers={**PREFLIGHT, **preflight})
    after = ProbeResponse(status=201, headers={**CREATED, **created})
    findings = judge_cors("https://a.example", before, after)
    assert [level(one) for one in findings] == [expected]


def test_a_refused_preflight_and_a_refused_origin() -> None:
    findings = judge_cors("https://a.example", answer(405), answer(201))
    assert [level(one) for one in findings] == [PROBLEM]
    assert level(judge_refusal("https://a.example", given=True)) is PROBLEM
    assert level(judge_refusal("https://a.example", given=False)) is NOTE


FRESH = Inspection(
    before={"tus-resumable": "1.0.0", "upload-offset": "0", "upload-length": "4",
            "upload-metadata": "filename eA==", "cache-control": "no-store"},
    appended={"upload-offset": "1"},
    after={"upload-offset": "1"},
    metadata="filename eA==",
)  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, OK),
        ({"after": {"upload-offset": "0"}}, PROBLEM),
        ({"appended": {}}, PROBLEM),
        ({"before": {}}, PROBLEM),
        ({"metadata": "filename eQ=="}, PROBLEM),
        ({"before": {**FRESH.before, "cache-control": "max-age=60"}}, WARNING),
    ],
    ids=str,
)
def test_headers(changed: dict[str, Any], expected: Level) -> None:
    assert level(judge_headers(replace(FRESH, **changed))) is expected


NOON = "Tue, 03 Feb 2026 12:00:00 GMT"
NOON_SECONDS = 1770120000.0


@pytest.mark.parametrize(
    ("date", "expires", "ours", "expected"),
    [
        (NOON, None, NOON_SECONDS + 5, {"clock": OK}),
        (NOON, None, NOON_SECONDS + 7, {"clock": WARNING}),
        (NOON, None, NOON_SECONDS - 7, {"clock": WARNING}),
        (NOON, None, NOON_SECONDS - 301, {"clock": PROBLEM}),
        (None, None, NOON_SECONDS, {"clock": NOTE}),
        ("yesterday", None, NOON_SECONDS, {"clock": NOTE}),
        (NOON, "Tue, 03 Feb 2026 13:00:00 GMT", NOON_SECONDS, {"clock": OK}),
        (NOON, "Tue, 03 Feb 2026 12:00:30 GMT", NOON_SECONDS, {"expires": PROBLEM}),
        (NOON, "soon", NOON_SECONDS, {"clock": OK}),
    ],
)
def test_clock(
    date: str | None, expires: str | None, ours: float, expected: dict[str, Level]
) -> None:
    findings = judge_clock(date, expires, ours)
    assert {one.check: level(one) for one in findings} == expected


PART = {"content-range": "bytes 16-31/256"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (ProbeResponse(status=206, headers=PART, content=CONTENT[16:32]), OK),
        (ProbeResponse(status=206, headers=PART, content=CONTENT[0:16]), PROBLEM),
        (ProbeResponse(status=206, headers={}, content=CONTENT[16:32]), PROBLEM),
        (ProbeResponse(status=200, headers={}, content=CONTENT), PROBLEM),
        (ProbeResponse(status=403, headers={}), PROBLEM),
    ],
)
def test_range(given: ProbeResponse, expected: Level) -> None:
    assert level(judge_range(given)) is expected


def test_a_server_that_gives_nothing_back_is_not_blamed() -> None:
    with pytest.raises(CheckSkipped):
        judge_range(answer(405))


THROUGH = MethodResult(direct=answer(204), overridden=answer(204))
WALLED = MethodResult(direct=answer(403), overridden=answer(204))
SHUT = MethodResult(direct=answer(403), overridden=answer(405))
STRIPPED = MethodResult(direct=answer(204), overridden=answer(405, tus_resumable="1.0.0"))
UNABLE = MethodResult(direct=answer(405, tus_resumable="1.0.0"), overridden=answer(204))


@pytest.mark.parametrize(
    ("patch", "delete", "expected"),
    [
        (THROUGH, THROUGH, [OK]),
        (WALLED, THROUGH, [PROBLEM]),
        (THROUGH, SHUT, [PROBLEM]),
        (SHUT, WALLED, [PROBLEM, PROBLEM]),
        (STRIPPED, THROUGH, [NOTE]),
        (THROUGH, UNABLE, [OK]),
    ],
)
def test_methods(patch: MethodResult, delete: MethodResult, expected: list[Level]) -> None:
    findings = judge_methods({"PATCH": patch, "DELETE": delete})
    assert [level(one) for one in findings] == expected


CLOSED = Exposure(open_paths=frozenset(), anonymous=False, foreign_host=False, foreign_origin=False)


@pytest.mark.parametrize(
    ("seen", "problems"),
    [
        ({}, set()),
        ({"open_paths": frozenset({"admin"})}, set()),
        ({"open_paths": frozenset({"admin"}), "anonymous": True}, {"operators-page"}),
        ({"open_paths": frozenset({"api/admin/overview"})}, {"operators-page"}),
        ({"open_paths": frozenset({"metrics"})}, {"open-paths"}),
        ({"open_paths": frozenset({"readyz"}), "anonymous": True}, {"open-paths"}),
        ({"anonymous": True}, set()),
        ({"anonymous": True, "foreign_host": True}, {"host-names"}),
        ({"anonymous": True, "foreign_origin": True}, {"other-sites"}),
    ],
    ids=str,
)
def test_what_strangers_get_is_a_problem(seen: dict[str, Any], problems: set[str]) -> None:
    found = judge_exposure(replace(CLOSED, **seen))
    assert {one.check for one in found if level(one) is PROBLEM} == problems
    assert len(found) == 4
