"""Output of commands and logs: no secret within a URL, no terminal escape, one line a record."""

import json
import logging
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from tusd_py.cli.common import start_logging
from tusd_py.cli.main import app
from tusd_py.cli.output import say_traceback
from tusd_py.domain.masking import masked, masked_value
from tusd_py.domain.printable import printable
from tusd_py.settings.model import Settings

SECRET = "canary-7f3a"
EVIL = "\x1b]0;owned\x07\x9b31m\u202e\r\n2026-11-28 INFO forged\x7f\u2028\ud800"


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


@pytest.mark.parametrize(
    "text",
    [
        "https://host:8080/path/to", "http://[::1]:80/files/", "", "a b", "12:30 user@host",
        "/files/what", "Is it https://host/files/?", "mail@example.org",
    ],
)  # fmt: skip
def test_what_holds_no_secret_stays(text: str) -> None:
    assert masked(text) == text


def test_texts_become_one_printable_line_and_json_stays_json() -> None:
    shown = printable(EVIL)
    assert shown.isprintable()
    assert "forged" in shown
    assert json.loads(printable(json.dumps({"a": EVIL}, ensure_ascii=False))) == {"a": EVIL}
    for plain in ("视频 a.bin", "👩‍👩‍👧", "می‌خواهم", "é ß"):
        assert printable(plain) == plain


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_has_a_line_for_each_record_and_no_secret(
    form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        start_logging(Settings(log_format=form))  # type: ignore[arg-type]
        log = logging.getLogger("tusd_py.test")
        log.warning("a.thing", extra={"upload_name": EVIL})
        try:
            raise ValueError(f"https://u:{SECRET}@host/?token={SECRET}\n{EVIL}")
        except ValueError:
            log.exception("a.failure", extra={"url": f"http://h/?ticket={SECRET}"})
        logging.getLogger("httpx").info("HTTP Request: GET https://h/?x=1")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    written = capsys.readouterr().err
    assert SECRET not in written
    assert "HTTP Request" not in written
    assert printable(written.replace("\n", "")) == written.replace("\n", "")
    records = [line for line in written.splitlines() if not line.startswith("    ")]
    assert len(records) == 2
    assert not any(line.startswith("2026-11-28 INFO forged") for line in written.splitlines())


def test_a_traceback_shows_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        raise ValueError(f"https://u:{SECRET}@host/\x1b[31m")
    except ValueError:
        say_traceback(*sys.exc_info())  # type: ignore[arg-type]
    written = capsys.readouterr().err
    assert "ValueError: https://********@host" in written
    assert SECRET not in written
    assert "\x1b" not in written


def test_no_command_shows_a_secret_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every service that is named is away."""
    url = f"http://user:{SECRET}@127.0.0.1:1/x?token={SECRET}"
    tree = {
        "data_dir": str(tmp_path / "data"),
        "auth": {"jwks_url": url, "upload_token_secret": f"{SECRET}-5b1d9e07c3a84f62b0e7d1"},
        "hooks": {"url": url, "secret": SECRET},
        "redis": {"addr": "127.0.0.1:1", "password": SECRET},
        "rabbitmq": {"host": "127.0.0.1", "port": 1, "user": "u", "password": SECRET},
        "mysql": {"data_source": f"root:{SECRET}@tcp(127.0.0.1:1)/tusd"},
        "s3": {
            "bucket": "b", "region": "r", "endpoint": url,
            "access_key_id": SECRET, "secret_access_key": SECRET,
        },
        "scan": {"address": "127.0.0.1:1"},
    }  # fmt: skip
    file = tmp_path / "tusd.yaml"
    file.write_text(yaml.safe_dump(tree))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        for line in (
            ["config", "show"],
            ["doctor"],
            ["doctor", "--json"],
            ["dead-letters", "list"],
            ["gc", "--dry-run"],
            ["serve", "--port", "0"],
            ["worker"],
        ):
            done = CliRunner().invoke(app, [*line, "--config", str(file)])
            assert done.exit_code in (0, 1), done.output
            assert done.output, line
            assert SECRET not in done.output, line
            assert done.exception is None or isinstance(done.exception, SystemExit), line
    finally:
        logging.disable(logging.NOTSET)
        root.handlers[:] = before
        root.setLevel(level)
