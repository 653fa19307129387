"""Tests what all commands have in common."""

import logging
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from tusd_py.cli.main import application

SECRET = "canary-7f3a"


@pytest.mark.slow
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
            done = CliRunner().invoke(application(), [*line, "--config", str(file)])
            assert done.exit_code in (0, 1), done.output
            assert done.output, line
            assert SECRET not in done.output, line
            assert done.exception is None or isinstance(done.exception, SystemExit), line
    finally:
        logging.disable(logging.NOTSET)
        root.handlers[:] = before
        root.setLevel(level)
