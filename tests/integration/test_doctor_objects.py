"""The doctor before OSS and S3: a sound bucket has no finding, each fault has its own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.oss.configured import section_of
from support.oss.faults import MatchRule
from support.oss.server import SECRET, OssServer
from support.s3 import KEY_ID, S3Server
from support.s3 import REGION as S3_REGION
from support.s3 import SECRET as S3_SECRET

from tusd_py.doctor.findings import Finding, Level
from tusd_py.doctor.objects import BucketFacts, check_objects, judge_objects
from tusd_py.objects.bucket import AccessDenied
from tusd_py.settings.model import Settings

PROBLEM, WARNING, NOTE = Level.PROBLEM, Level.WARNING, Level.NOTE


@pytest.fixture
def oss(tmp_path: Path) -> Iterator[OssServer]:
    server = OssServer(tmp_path / "oss").start()
    yield server
    server.close()


def oss_settings(server: OssServer, **changed: Any) -> Settings:
    return Settings(oss=section_of(server.url, **changed))


def s3_settings(server: S3Server, **changed: Any) -> Settings:
    section = {
        "bucket": server.bucket(),
        "region": S3_REGION,
        "endpoint": server.url,
        "access_key_id": KEY_ID,
        "secret_access_key": S3_SECRET,
    }
    return Settings(s3={**section, **changed})  # type: ignore[arg-type]


def bad(findings: list[Finding]) -> dict[str, Level]:
    text = repr(findings)
    assert SECRET not in text
    assert S3_SECRET not in text
    assert all(one.remedy for one in findings if one.level is not Level.OK)
    return {one.check: one.level for one in findings if one.level is not Level.OK}


def test_a_sound_bucket_has_nothing_and_keeps_nothing(oss: OssServer, s3_server: S3Server) -> None:
    for settings in (oss_settings(oss), s3_settings(s3_server)):
        findings = check_objects(settings)
        assert bad(findings) == {}
        assert {one.check for one in findings} == {
            "objects.reachable",
            "objects.rights",
            "objects.links",
        }
    assert len(oss.calls.all("delete")) == len(oss.calls.all("abort")) == 1


@pytest.mark.parametrize(
    "changed",
    [{"access_key_secret": "wrong"}, {"bucket_name": "no-such-bucket"}, {"region": "cn-other"}],
    ids=["secret", "bucket", "region"],
)
def test_a_bucket_that_refuses_is_a_problem(oss: OssServer, changed: dict[str, str]) -> None:
    assert bad(check_objects(oss_settings(oss, **changed))) == {"objects.reachable": PROBLEM}


@pytest.mark.parametrize("changed", [{"secret_access_key": "wrong"}, {"bucket": "no-such-bucket"}])
def test_an_s3_bucket_that_refuses_is_a_problem(
    s3_server: S3Server, changed: dict[str, str]
) -> None:
    assert bad(check_objects(s3_settings(s3_server, **changed))) == {"objects.reachable": PROBLEM}


def test_an_endpoint_that_is_gone_is_a_problem(oss: OssServer) -> None:
    settings = oss_settings(oss, endpoint="http://127.0.0.1:9")
    assert bad(check_objects(settings)) == {"objects.reachable": PROBLEM}


@pytest.mark.parametrize("operation", ["put", "get", "init", "list_uploads", "delete"])
def test_a_right_that_is_missing_is_a_problem(oss: OssServer, operation: str) -> None:
    oss.faults.add(MatchRule("error", operation, times=None, status=403, code="AccessDenied"))
    assert bad(check_objects(oss_settings(oss)))["objects.rights"] is PROBLEM


def test_an_unreachable_public_endpoint_is_a_note(oss: OssServer) -> None:
    settings = oss_settings(oss, public_endpoint="http://127.0.0.1:9")
    assert bad(check_objects(settings)) == {"objects.links": NOTE}


def test_a_bucket_that_everybody_reads_is_a_warning() -> None:
    facts = BucketFacts(failed={}, link_status=200, open_status=200, address="https://b")
    assert bad(judge_objects("s3", facts, redirects=True)) == {"objects.private": WARNING}


def test_links_matter_only_where_downloads_go_by_them() -> None:
    facts = BucketFacts(failed={}, link_status=403, open_status=403, address="https://b")
    assert bad(judge_objects("s3", facts, redirects=True)) == {"objects.links": PROBLEM}
    assert bad(judge_objects("s3", facts, redirects=False)) == {}


def test_what_fails_is_named() -> None:
    failed = {"delete": AccessDenied("403"), "list": AccessDenied("403")}
    facts = BucketFacts(failed=failed, link_status=200, open_status=403, address="https://b")
    (found,) = [one for one in judge_objects("s3", facts, redirects=True) if one.level is PROBLEM]
    assert found.sentence == "These do not work: delete, list."
