"""The distribution as its users get it: built, installed in an environment of its own, and used."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import httpx
import pytest
from support.server import running_server

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).parent / "uv")
EMBEDDED = """\
from pathlib import Path

import anyio
from tusd_py import Settings, create_app

app = create_app(Settings(data_dir=Path("data")))


async def start_and_stop():
    async with app.router.lifespan_context(app):
        pass


anyio.run(start_and_stop)
"""


def run(*command: str, cwd: Path) -> str:
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in ("VIRTUAL_ENV", "PYTHONPATH")
    }
    done = subprocess.run(
        command, cwd=cwd, env=env, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the sdist, and the wheel that was made from it."""
    folder = tmp_path_factory.mktemp("dist")
    python = str(Path(sys.executable))
    run(
        UV,
        "build",
        "-q",
        "--no-build-isolation",
        "--python",
        python,
        "-o",
        str(folder),
        ".",
        cwd=ROOT,
    )
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of programs in an environment with only the wheel and what it needs."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (wheel,) = built.glob("*.whl")
    run(UV, "venv", "-q", "--python", sys.executable, "venv", cwd=folder)
    programs = folder / "venv" / "bin"
    locked = folder / "locked.txt"
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    locked.write_text("\n".join(line.rstrip("\\ ") for line in lines if "==" in line))
    run(
        UV,
        "pip",
        "install",
        "-q",
        "--python",
        str(programs / "python"),
        "-c",
        str(locked),
        str(wheel),
        cwd=folder,
    )
    return programs


def test_the_wheel_has_what_is_no_python_too(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    wanted = {
        f"{place}{path.relative_to(ROOT / folder).as_posix()}"
        for folder, place in (("tusd_py", "tusd_py/"), ("worker", "tusd_py/worker/"))
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "source" not in path.parts and "__pycache__" not in path.parts
    }
    assert wanted - names == set()
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_nothing_but_the_package_is_installed_at_the_top(built: Path) -> None:
    """A ``worker.py`` or a folder ``deploy`` of an application stays its own."""
    (wheel,) = built.glob("*.whl")
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"tusd_py"}


def test_an_application_with_a_worker_of_its_own_embeds_the_server(
    installed: Path, tmp_path: Path
) -> None:
    for name in ("worker", "deploy", "settings", "topology"):
        (tmp_path / f"{name}.py").write_text("raise AssertionError('of the application')\n")
    (tmp_path / "main.py").write_text(EMBEDDED)
    run(str(installed / "python"), "main.py", cwd=tmp_path)
    assert (tmp_path / "data").is_dir()


def test_what_is_installed_elsewhere_serves_the_page_and_takes_a_file(
    installed: Path, tmp_path: Path
) -> None:
    version = run(str(installed / "python"), "-m", "tusd_py", "--version", cwd=tmp_path)
    assert version.startswith("tusd-py ")
    with running_server(
        tmp_path / "data", "--workers", "1", program=[str(installed / "tusd-py")]
    ) as server:
        page = httpx.get(f"{server.url}/", headers={"Accept": "text/html"})
        assert "page/page.js" in page.text
        assert httpx.get(f"{server.url}/page/page.js").status_code == 200
        assert httpx.get(f"{server.url}/api/openapi.json").json()["openapi"] == "3.1.0"
        movie = tmp_path / "movie.mp4"
        movie.write_bytes(b"from elsewhere")
        sent = run(
            str(installed / "tusd-py"), "upload", "movie.mp4", "--url", server.files, "--json",
            cwd=tmp_path,
        )  # fmt: skip
        last = json.loads(sent.splitlines()[-1])
        assert last["status"] == "completed"
        assert httpx.get(last["url"]).content == b"from elsewhere"


def test_the_quick_start_has_the_commands_of_this_test() -> None:
    text = (ROOT / "docs" / "index.md").read_text("utf-8")
    commands = [
        line[2:].partition("#")[0].strip() for line in text.splitlines() if line[:2] == "$ "
    ]
    assert commands == ["pip install .", "tusd-py serve", "tusd-py upload movie.mp4"]
