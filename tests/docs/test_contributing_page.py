"""The tests on the page about contributing pass."""

from pathlib import Path

import pytest
from support import tus
from support.server import Server
from support.snippets import run_python, snippet
from support.uploads import UploadsInProcess
from support.workers import WorkerInProcess

from tusd_py.domain.job import JobState


def test_of_uploads_in_the_process(tmp_path: Path) -> None:
    block = snippet("docs/contributing.md", "def test_a_server_that_dies_keeps_what_had_arrived(")
    names = run_python(block, Path=Path, UploadsInProcess=UploadsInProcess)
    names["test_a_server_that_dies_keeps_what_had_arrived"](tmp_path)


def test_of_uploads_by_http(server: Server) -> None:
    block = snippet("docs/contributing.md", "def test_a_chunk_at_a_wrong_offset_is_refused(")
    names = run_python(block, Server=Server, **vars(tus))
    names["test_a_chunk_at_a_wrong_offset_is_refused"](server)


def test_of_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = snippet("docs/contributing.md", "def test_an_attempt_ends_its_job(")
    names = run_python(
        block, Path=Path, pytest=pytest, JobState=JobState, WorkerInProcess=WorkerInProcess
    )
    names["test_an_attempt_ends_its_job"](tmp_path, monkeypatch)
