"""What settings, disk and ffmpeg mean: tables of facts and findings."""

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.findings import Levels, levels
from support.tokens import SECRET

from tusd_py.doctor.disk import judge_disk
from tusd_py.doctor.disk_facts import DiskFacts, inspect_disk
from tusd_py.doctor.findings import Level
from tusd_py.doctor.media import MediaFacts, judge_media
from tusd_py.doctor.settings import judge_settings
from tusd_py.settings.model import Settings
from tusd_py.settings.values import GIB

NOTE, WARNING, PROBLEM = Level.NOTE, Level.WARNING, Level.PROBLEM


MYSQL, REDIS, RABBITMQ = {"data_source": "a:b@tcp(c)/d"}, {"addr": "c:6379"}, {"host": "c"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {}),
        ({"mysql": MYSQL, "redis": REDIS, "rabbitmq": RABBITMQ}, {}),
        ({"redis": REDIS}, {"settings.parts": WARNING}),
        ({"redis": REDIS, "rabbitmq": RABBITMQ}, {"settings.parts": WARNING}),
        ({"mysql": MYSQL}, {"settings.parts": NOTE}),
        ({"rabbitmq": RABBITMQ}, {"settings.parts": NOTE}),
        ({"mysql": MYSQL, "redis": REDIS}, {"settings.parts": NOTE}),
        ({"host": "0.0.0.0"}, {"settings.host": PROBLEM}),
        ({"host": "example.org"}, {"settings.host": PROBLEM}),
        ({"host": "0.0.0.0", "allow_anonymous": True}, {"settings.host": NOTE}),
        ({"host": "::1"}, {}),
        ({"cors": {"allow_origins": ("*",)}}, {"settings.cors": PROBLEM}),
        ({"cors": {"allow_origins": ("*",)}, "auth": {"access_secret": SECRET}}, {}),
        ({"cors": {"allow_origins": ("https://a.example",)}}, {}),
        ({"jobs": {"lease": 60, "renew_every": 60}}, {"settings.jobs": PROBLEM}),
        ({"jobs": {"lease": 60, "renew_every": 31}}, {"settings.jobs": WARNING}),
        ({"jobs": {"lease": 60, "renew_every": 30}}, {}),
        ({"durability": "off"}, {"settings.durability": WARNING}),
        ({"max_size": 0}, {"settings.max_size": NOTE}),
        ({"upload_expires": 0}, {"settings.upload_expires": NOTE}),
        ({"media": {"sandbox": "off"}}, {"settings.sandbox": WARNING}),
        ({"media": {"sandbox": "off", "compress": False}}, {}),
    ],
    ids=str,
)
def test_settings(settings: dict[str, Any], expected: Levels) -> None:
    assert levels(judge_settings(Settings(**settings))) == expected


KEYS = {
    "jwks_url": "https://id.example.org/keys",
    "upload_token_secret": "b4d1c0ffee5a17f02e9d8c7b6a594837",
}
NAMED = {"issuer": "https://id.example.org", "audience": "uploads"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"auth": {**KEYS, **NAMED}}, {}),
        ({"auth": {**KEYS, **NAMED}, "host": "0.0.0.0"}, {}),
        ({"auth": KEYS}, {"settings.auth": WARNING}),
        ({"auth": {"required": True}, "allow_anonymous": True}, {"settings.auth": PROBLEM}),
        ({"auth": {"required": True, **KEYS, **NAMED}}, {}),
        (
            {"auth": {**KEYS, **NAMED, "jwks_url": "http://id.example.org/keys"}},
            {"settings.jwks_url": WARNING},
        ),
        ({"auth": {**KEYS, **NAMED, "jwks_url": "http://127.0.0.1/keys"}}, {}),
        (
            {"auth": {**KEYS, **NAMED}, "allow_anonymous": True},
            {"settings.allow_anonymous": NOTE},
        ),
    ],
)
def test_authentication_is_judged(settings: dict[str, Any], expected: dict[str, str]) -> None:
    assert levels(judge_settings(Settings(**settings))) == expected


SOUND = DiskFacts(
    exists=True, free=100 * GIB, free_inodes=1_000_000, kind=0xEF53, syncs=True, links=True,
    excludes=True, links_to_objects=True,
)  # fmt: skip
NFS, SMB, TMPFS = 0x6969, 0xFF534D42, 0x01021994


@pytest.mark.parametrize(
    ("changed", "shared", "sqlite", "expected"),
    [
        ({}, False, True, {}),
        ({"exists": False, "links_to_objects": None}, True, False, {}),
        ({"is_directory": False}, False, True, {"disk.directory": PROBLEM}),
        ({"refusal": errno.EROFS}, False, True, {"disk.directory": PROBLEM}),
        ({"refusal": errno.EACCES}, False, True, {"disk.directory": PROBLEM}),
        ({"refusal": errno.ENOSPC, "free": 0}, False, True,
         {"disk.directory": PROBLEM, "disk.space": PROBLEM}),
        ({"free": 21 * GIB}, False, True, {}),
        ({"free": 20 * GIB}, False, True, {"disk.space": WARNING}),
        ({"free": 9 * GIB}, False, True, {"disk.space": PROBLEM}),
        ({"free_inodes": None}, False, True, {}),
        ({"free_inodes": 10_000}, False, True, {"disk.inodes": WARNING}),
        ({"free_inodes": 100}, False, True, {"disk.inodes": PROBLEM}),
        ({"kind": TMPFS}, False, True, {"disk.kind": WARNING}),
        ({"kind": 0x794C7630}, True, False, {"disk.kind": WARNING}),
        ({"kind": NFS}, True, False, {"disk.kind": NOTE}),
        ({"kind": NFS}, False, True, {"disk.kind": PROBLEM}),
        ({"kind": SMB}, True, False, {"disk.kind": WARNING}),
        ({"kind": SMB}, False, False, {"disk.kind": NOTE}),
        ({"kind": 0x00C36400}, True, False, {}),
        ({"kind": 0x12345}, True, False, {}),
        ({"kind": None}, True, False, {}),
        ({"syncs": False}, False, True, {"disk.sync": PROBLEM}),
        ({"excludes": False}, True, False, {"disk.locks": PROBLEM}),
        ({"excludes": None}, True, False, {"disk.locks": PROBLEM}),
        ({"excludes": False}, False, True, {"disk.locks": NOTE}),
        ({"links": False}, False, True, {"disk.links": NOTE}),
        ({"links_to_objects": False}, False, True, {"disk.links": NOTE}),
    ],
    ids=str,
)  # fmt: skip
def test_disk(changed: dict[str, Any], shared: bool, sqlite: bool, expected: Levels) -> None:
    facts = replace(SOUND, **changed)
    findings = judge_disk(facts, max_size=10 * GIB, shared=shared, sqlite=sqlite)
    assert levels(findings) == expected


def test_a_real_directory_keeps_the_promises_and_is_left_as_it_was(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    facts = inspect_disk(data_dir)
    assert not facts.exists
    assert (facts.refusal, facts.syncs, facts.links, facts.excludes) == (None, True, True, True)
    assert facts.links_to_objects is None
    assert list(tmp_path.iterdir()) == []
    for name in ("uploads", "objects"):
        (data_dir / name).mkdir(parents=True)
    facts = inspect_disk(data_dir)
    assert facts.exists
    assert facts.links_to_objects is True
    assert sorted(path.name for path in data_dir.rglob("*")) == ["objects", "uploads"]


TOOLS = MediaFacts(
    version="7.1", ffprobe=True, sandbox="bwrap", encoders=frozenset({"libx264", "aac", "png"})
)


@pytest.mark.parametrize(
    ("changed", "wanted", "expected"),
    [
        ({}, "auto", {}),
        ({"sandbox": None}, "bwrap", {"media.sandbox": PROBLEM}),
        ({"sandbox": "rlimit"}, "auto", {"media.sandbox": NOTE}),
        ({"sandbox": "landlock"}, "auto", {"media.sandbox": NOTE}),
        ({"sandbox": "landlock"}, "landlock", {}),
        ({"filtered": False}, "bwrap", {"media.filter": NOTE}),
        ({"sandbox": "rlimit"}, "rlimit", {}),
        ({"sandbox": "off"}, "auto", {"media.sandbox": WARNING}),
        ({"version": "", "encoders": frozenset()}, "auto", {"media.ffmpeg": WARNING}),
        ({"encoders": None}, "auto", {"media.ffmpeg": PROBLEM}),
        ({"encoders": frozenset({"aac"})}, "auto", {"media.ffmpeg": PROBLEM}),
        ({"ffprobe": False}, "auto", {"media.ffprobe": NOTE}),
    ],
    ids=str,
)
def test_media(changed: dict[str, Any], wanted: str, expected: Levels) -> None:
    assert levels(judge_media(replace(TOOLS, **changed), wanted=wanted)) == expected
