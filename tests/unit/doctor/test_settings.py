"""Tests what combinations of settings mean."""

from typing import Any

import pytest
from support.findings import NOTE, PROBLEM, WARNING, Levels, levels
from support.tokens import SECRET

from tusd_py.doctor.settings import judge_settings
from tusd_py.settings.model import Settings

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
