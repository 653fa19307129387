"""What the documents state is true."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from support.media import video
from support.snippets import matches, snippet

from tusd_py.cli.configuration_reference import reference
from tusd_py.domain.filetypes import TYPES

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_runner_notices_a_false_line() -> None:
    assert matches("a\n...\nc ... e\n", "a\nb\nb\nc d e\n")
    assert not matches("a\n...\nc ... f\n", "a\nb\nc d e\n")


def test_readmes_console_blocks_print_what_they_show(tmp_path: Path) -> None:
    serve = snippet("README.md", "$ make serve").printed
    sent = snippet("README.md", "$ .venv/bin/tusd-py upload movie.mp4").printed
    source = video(tmp_path / "movie.mp4", seconds=3.0)
    environ = {
        **os.environ,
        "TUSD_PORT": "0",
        "TUSD_DATA_DIR": str(tmp_path / "tusd-data"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "TUSD_LOG_LEVEL": "warning",
    }
    process = subprocess.Popen(
        shlex.split("make serve"), cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not (lines and lines[-1].startswith("upload to")):
            line = process.stdout.readline()
            assert line, lines
            lines.append(line)
        url = lines[-1].split()[-1]
        port = url.split(":")[2].partition("/")[0]
        served = (
            "".join(lines).replace(str(tmp_path / "tusd-data"), "tusd-data").replace(port, "8888")
        )
        assert matches(serve, served), served
        done = subprocess.run(
            [".venv/bin/tusd-py", "upload", str(source), "--url", url],
            cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        said = done.stdout.replace(port, "8888")
        assert matches(sent, said), done.stdout + done.stderr
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)
        if process.stdout:
            process.stdout.close()


def test_the_configuration_page_is_that_of_the_code() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text("utf-8") == reference()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_readme_fits_a_screen_and_names_both_commands() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert len(text.splitlines()) <= 75
    assert "make serve" in text
    assert "make test" in text


def test_every_command_in_the_docs_exists() -> None:
    words = set(
        re.findall(r"`tusd-py ([a-z-]+)", "".join(page.read_text("utf-8") for page in PAGES))
    )
    helped = subprocess.run(
        [".venv/bin/tusd-py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert words
    for word in words:
        assert word in helped.stdout


def test_every_test_that_the_docs_name_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", "".join(page.read_text("utf-8") for page in PAGES)))
    written = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    assert named
    assert {name for name in named if f"def {name}(" not in written} == set()


def test_the_page_about_media_lists_each_type_as_the_table_has_it() -> None:
    page = (ROOT / "docs" / "media.md").read_text("utf-8")
    rows = [set(re.findall(r"`([^`]+)`", line)) for line in page.splitlines() if line[:2] == "| "]
    for kind in TYPES:
        words = {*kind.extensions, *filter(None, [kind.demuxer])}
        assert any(words <= row for row in rows), kind.name
    kept = page.partition("type_is_kept_as_it_is")[2]
    assert all((f"`{kind.extensions[0]}`" in kept) == kind.untouched for kind in TYPES)
