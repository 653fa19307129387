"""Tests what is read of an answer, and which addresses are refused."""

import pytest
from support.clock import FakeClock

from tusd_py.doctor.deployment.probe_client import ProbeClient, ProbeResponse

PROBLEM_JSON = {"content-type": "application/problem+json"}


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


@pytest.mark.parametrize(
    ("url", "token", "authorization"),
    [
        ("https://a.example/files", None, {}),
        ("https://a.example/files", "canary\r\n", {"Authorization": "Bearer canary"}),
        ("https://u:p@a.example/files/", None, {"Authorization": "Basic dTpw"}),
    ],
)
def test_every_kind_of_request_has_the_same_credentials(
    url: str, token: str | None, authorization: dict[str, str]
) -> None:
    probe = ProbeClient(url, origin=None, token=token, clock=FakeClock())
    assert (probe.url, probe.headers) == ("https://a.example/files/", authorization)


@pytest.mark.parametrize("url", ["", "files", "ftp://a/files/", "http:///files/", "https://a/f/?x"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        ProbeClient(url, origin=None, token=None, clock=FakeClock())
