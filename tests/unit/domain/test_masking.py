"""Tests that secrets within texts are masked."""

import json

import pytest

from tusd_py.domain.masking import masked, masked_value

SECRET = "canary-7f3a"


@pytest.mark.parametrize(
    "text",
    [
        f"https://user:{SECRET}@host/path",
        f"https://{SECRET}@host/path",
        f"https://user:a@{SECRET}/x?y@host/path",
        f"https://user:a/{SECRET}@host/path",
        f"amqp://user:{SECRET}@host:5672/%2F",
        f"https://host/path?token={SECRET}",
        f"https://host/path?{SECRET}",
        f"https://host/path#{SECRET}",
        f"see https://host/path?signature={SECRET}&x=1, and https://u:{SECRET}@host.",
        f"ConnectError('https://u:{SECRET}@host/path?a=b')",
        f"HTTPConnectionPool(host='host'): Max retries exceeded with url: /path?token={SECRET} (x)",
        f"user:{SECRET}@tcp(host:3306)/tusd",
        json.dumps({"url": f"https://u:{SECRET}@host/path?token={SECRET}", "kept": True}),
    ],
)
def test_secrets_within_urls_are_masked(text: str) -> None:
    for shown in (masked(text), masked_value(text)):
        assert SECRET not in shown
    assert "host" in masked(text)
    if text.startswith("{"):
        assert json.loads(masked(text))["kept"] is True


TOKEN = f"{SECRET}-{'x' * 28}"


@pytest.mark.parametrize(
    "text", [f"GET https://host/a/s/{TOKEN}/download failed", f"410 for '/s/{TOKEN}'"]
)
def test_the_token_of_a_share_is_masked(text: str) -> None:
    assert len(TOKEN) == 40
    assert masked(text) == text.replace(TOKEN, "********")
    assert masked(f"{text}x/s/{TOKEN}y").endswith(f"/s/{TOKEN}y"), "one of another length is none"


@pytest.mark.parametrize("kind", ["media", "archives"])
def test_the_token_of_a_link_to_media_and_archives_is_masked(kind: str) -> None:
    path = f"/api/file/upload/{kind}"
    token = f"ey{SECRET}{'x' * 40}.{'y' * 40}.{'-_' * 20}"
    assert masked(f"404 for '{path}/{token}'") == f"404 for '{path}/********'"
    assert masked(f"GET https://host{path}/{token}?stream=1") == (
        f"GET https://host{path}/********?********"
    )


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8080/path/to", "http://[::1]:80/files/", "", "a b", "12:30 user@host",
        "/files/what", "/media/eyes.mp4", "Is it https://host/files/?", "mail@example.org",
    ],
)  # fmt: skip
def test_what_holds_no_secret_stays(text: str) -> None:
    assert masked(text) == text
