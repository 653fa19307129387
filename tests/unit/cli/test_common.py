"""Tests that a log has a line for each record and no secret."""

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest

from tusd_py.cli.common import log_service_variables
from tusd_py.domain.printable import printable
from tusd_py.logs import start_logging
from tusd_py.settings.model import Settings

SECRET = "canary-7f3a"
EVIL = "\x1b]0;owned\x07\x9b31m\u202e\r\n2026-11-28 INFO forged\x7f\u2028\ud800"


@pytest.fixture
def root_logger() -> Iterator[None]:
    """Restore the logging of this process after the test."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_has_a_line_for_each_record_and_no_secret(
    form: str, root_logger: None, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging(Settings(log_format=form))  # type: ignore[arg-type]
    log = logging.getLogger("tusd_py.test")
    log.warning("a.thing", extra={"upload_name": EVIL})
    try:
        raise ValueError(f"https://u:{SECRET}@host/?token={SECRET}\n{EVIL}")
    except ValueError:
        log.exception("a.failure", extra={"url": f"http://h/?ticket={SECRET}"})
    logging.getLogger("httpx").info("HTTP Request: GET https://h/?x=1")
    written = capsys.readouterr().err
    assert SECRET not in written
    assert "HTTP Request" not in written
    assert printable(written.replace("\n", "")) == written.replace("\n", "")
    records = [line for line in written.splitlines() if not line.startswith("    ")]
    assert len(records) == 2
    assert not any(line.startswith("2026-11-28 INFO forged") for line in written.splitlines())


@pytest.mark.parametrize("process", [0, "parent"])
def test_each_record_names_its_process_among_several(
    process: int | Literal["parent"], root_logger: None, capsys: pytest.CaptureFixture[str]
) -> None:
    start_logging(Settings(log_format="json"), process=process)
    logging.getLogger("tusd_py.test").warning("a.thing")
    start_logging(Settings(log_format="text"), process=process)
    logging.getLogger("tusd_py.test").warning("a.thing", extra={"number": 7})
    start_logging(Settings(log_format="json"))
    logging.getLogger("tusd_py.test").warning("a.thing")
    by_several, as_text, alone = capsys.readouterr().err.splitlines()
    assert json.loads(by_several)["process"] == process
    assert as_text.endswith(f" WARNING a.thing process={process} number=7")
    assert "process" not in json.loads(alone)


def test_variables_of_a_kubernetes_service_are_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    log_service_variables()
    assert caplog.records == []
    monkeypatch.setenv("TUSD_PORT", "tcp://10.96.0.7:8888")
    monkeypatch.setenv("TUSD_SERVICE_HOST", "10.96.0.7")
    log_service_variables()
    assert [vars(record)["passed_over"] for record in caplog.records] == [
        "TUSD_PORT, TUSD_SERVICE_HOST"
    ]
