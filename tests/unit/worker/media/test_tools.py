"""Tests which sandbox is chosen, and where a weak one is reported."""

import logging
from pathlib import Path

import pytest
from support.patient_checks import patient
from support.workers import WorkerInProcess

from tusd_py.domain.errors import BackendError
from tusd_py.monitoring.checks import Status
from tusd_py.monitoring.registry import Metrics
from tusd_py.settings.model import Settings
from tusd_py.worker.media import sandbox, tools
from tusd_py.worker.media.run import ProcessResult
from tusd_py.worker.media.tools import Tools, discover

UNKNOWN = ProcessResult(code=0, stdout="", stderr="", errors=0)
"""What an ffmpeg of unknown version writes."""


def found(monkeypatch: pytest.MonkeyPatch, starting: set[str], wanted: str = "auto") -> Tools:
    """Return the tools on a machine where only these kinds of sandbox start."""
    monkeypatch.setattr(sandbox, "starts", lambda kind: kind in starting)
    monkeypatch.setattr(tools, "run", lambda *_, **__: UNKNOWN)
    return discover(Settings.model_validate({"media": {"sandbox": wanted}}))


@pytest.mark.parametrize(
    ("starting", "kind", "word"),
    [
        ({"landlock", "rlimit"}, "landlock", "bubblewrap does not start"),
        ({"rlimit"}, "rlimit", "Neither bubblewrap nor Landlock"),
        (set(), "off", "nothing keeps programs for media"),
    ],
)
def test_a_weaker_sandbox_is_reported(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    starting: set[str],
    kind: str,
    word: str,
) -> None:
    seen = found(monkeypatch, starting)
    assert seen.sandbox == kind
    assert word in seen.weakness
    assert "WARNING" in seen.sentence()
    with caplog.at_level(logging.WARNING):
        seen.warn()
    (record,) = caplog.records
    assert (record.getMessage(), record.__dict__["reason"]) == ("media.sandbox.weak", seen.weakness)
    assert "media.sandbox=bwrap" in record.__dict__["remedy"]


@pytest.mark.parametrize("wanted", ["bwrap", "landlock", "rlimit", "off"])
def test_no_warning_is_logged_for_a_chosen_sandbox(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wanted: str
) -> None:
    seen = found(monkeypatch, {"bwrap", "landlock", "rlimit"}, wanted)
    seen.warn()
    assert (seen.sandbox, seen.weakness, caplog.records) == (wanted, "", [])
    assert "WARNING" not in seen.sentence()


@pytest.mark.parametrize("wanted", ["bwrap", "landlock", "rlimit"])
def test_a_chosen_sandbox_that_does_not_start_is_an_error(
    monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    with pytest.raises(BackendError, match=wanted):
        found(monkeypatch, set(), wanted)


@pytest.mark.parametrize("wanted", ["bwrap", "landlock", "rlimit"])
def test_a_missing_filter_is_a_weakness_and_an_error_for_a_chosen_sandbox(
    monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    monkeypatch.setattr(tools, "filter_file", lambda: None)
    assert "libseccomp" in found(monkeypatch, {wanted}).weakness
    with pytest.raises(BackendError, match="libseccomp"):
        found(monkeypatch, {wanted}, wanted)


def test_readiness_and_metrics_report_a_weak_sandbox(
    worker: WorkerInProcess, caplog: pytest.LogCaptureFixture
) -> None:
    weak = Tools(
        ffmpeg="ffmpeg", ffprobe=None, version="", sandbox="rlimit", weakness="It is weak."
    )
    metrics = Metrics()
    whole = worker.whole(weak, metrics)
    readiness = patient(whole.checks()).readiness()
    assert readiness.status is Status.FAILING  # it was not started
    assert readiness.reasons["sandbox"] == "It is weak."
    text = metrics.text().decode()
    assert 'tusd_worker_sandbox{kind="rlimit"} 1.0' in text
    assert "tusd_worker_sandbox_weak 1.0" in text
    assert [record.getMessage() for record in caplog.records] == ["media.sandbox.weak"]


@pytest.mark.slow
def test_a_watermark_that_can_not_be_drawn_is_refused_at_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def started(**watermark: object) -> Tools:
        media = {"image": {"watermark": watermark}, "sandbox": "landlock"}
        return discover(Settings.model_validate({"media": media}))

    assert started(text="(c) Anna 2026").sandbox == "landlock"
    for watermark in (
        {"text": "水印"},
        {"picture": tmp_path / "none.png"},
        {"text": "x", "font": "/"},
    ):
        with pytest.raises(BackendError, match="watermark can't be drawn"):
            started(**watermark)


def test_clean_tags_need_exiftool_at_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    media = {
        "profiles": {"private": {"image": {"metadata": "strip_location"}}},
        "profile_choice": ["private"],
        "sandbox": "off",
    }
    settings = Settings.model_validate({"media": media})
    monkeypatch.setattr(tools, "run", lambda *_, **__: UNKNOWN)
    assert discover(settings).exiftool is not None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert discover(Settings.model_validate({"media": {"sandbox": "off"}})).exiftool is None
    with pytest.raises(BackendError, match="exiftool"):
        discover(settings)
