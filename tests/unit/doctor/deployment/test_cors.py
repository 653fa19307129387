"""Tests what the answers to another site's requests mean."""

import pytest
from support.findings import NOTE, OK, PROBLEM, answer, level

from tusd_py.doctor.deployment.cors import judge_cors, judge_refusal
from tusd_py.doctor.deployment.probe_client import ProbeResponse
from tusd_py.doctor.findings import Level

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
