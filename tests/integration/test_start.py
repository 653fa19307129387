"""What a process imports until it is ready: all that its settings need, and nothing else.

A start without these modules takes half of the time. What a setting needs is imported at the start,
so that what is missing is refused then.
"""

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import pytest
from support.server import running_server
from support.tokens import SECRET
from support.waiting import wait_until
from topology.program import free_port

TRACED: Final = (sys.executable, "-X", "importtime", "-m", "tusd_py")
SDKS: Final = {"alembic", "boto3", "oss2", "opentelemetry", "pika", "pymysql", "redis"}
CLIENT: Final = {"httpx", "rich", "tusd_py.client"}
PEOPLE: Final = {"cryptography", "jwt"}
MEDIA: Final = {"PIL", "pi_heif", "pyvips"}
OTHERS: Final = {"yaml", "tusd_py.doctor", "tusd_py.cli.doctor", "tusd_py.cli.upload"}


def imported(lines: Iterable[str]) -> set[str]:
    """Return the modules that lines of ``-X importtime`` name, and the packages above them."""
    names = (line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:"))
    parts = (name.split(".") for name in names)
    return {".".join(part[:end]) for part in parts for end in range(1, len(part) + 1)}


def served(folder: Path, *flags: str, env: Mapping[str, str] | None = None) -> set[str]:
    one = ("--processes", "1")  # With several the parent starts the servers.
    with running_server(folder, *one, *flags, env=env, program=TRACED) as server:
        address = next(at for at, line in enumerate(server.lines) if line.startswith("upload to"))
        return imported(server.lines[:address])


def test_a_server_that_listens_has_imported_what_it_needs(tmp_path: Path) -> None:
    for _ in ("an empty directory", "one that is there"):
        found = served(tmp_path / "data", "--workers", "1")
        assert found & (SDKS | CLIENT | PEOPLE | MEDIA | OTHERS) == set()
        assert {"sqlalchemy", "uvicorn", "tusd_py.server", "tusd_py.worker.app"} <= found


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        ({"TUSD_AUTH__ACCESS_SECRET": SECRET}, {"jwt"}),
        (
            {
                "TUSD_AUTH__JWKS_URL": "http://127.0.0.1:1/keys",
                "TUSD_AUTH__UPLOAD_TOKEN_SECRET": SECRET,
            },
            {"jwt", "httpx"},
        ),
        ({"TUSD_HOOKS__URL": "http://127.0.0.1:1/hooks"}, {"httpx"}),
    ],
)
def test_what_a_setting_needs_is_imported_at_the_start(
    tmp_path: Path, settings: dict[str, str], needed: set[str]
) -> None:
    assert needed <= served(tmp_path, "--workers", "0", env=settings)


def test_a_worker_that_runs_has_imported_what_it_needs(tmp_path: Path) -> None:
    program = [
        *TRACED, "worker", "--data-dir", str(tmp_path), "--listen", f"127.0.0.1:{free_port()}",
    ]  # fmt: skip
    with (
        (tmp_path / "log").open("w+") as log,
        subprocess.Popen(program, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        try:
            text = (tmp_path / "log").read_text
            wait_until(lambda: "figures    " in text("utf-8"), timeout=120)
        finally:
            process.terminate()
    found = imported(text("utf-8").partition("figures    ")[0].splitlines())
    assert found & (SDKS | CLIENT | PEOPLE | MEDIA | OTHERS | {"starlette", "uvicorn"}) == set()
    assert "tusd_py.worker.app" in found


@pytest.mark.parametrize(
    ("line", "left_out"),
    [
        (
            "ls --url http://127.0.0.1:1/files/",
            {"sqlalchemy", "tusd_py.settings", "tusd_py.wiring"},
        ),
        ("ls --help", {"httpx", "sqlalchemy", "tusd_py.client", "tusd_py.settings"}),
        ("config show", {"sqlalchemy", "starlette", *CLIENT}),
        ("--version", {"sqlalchemy", "starlette", "httpx"}),
        ("--help", {"sqlalchemy", "starlette", "tusd_py.server", "tusd_py.worker", *SDKS}),
    ],
)
def test_a_command_imports_what_it_needs(line: str, left_out: set[str]) -> None:
    done = subprocess.run(
        [*TRACED, *line.split()], capture_output=True, text=True, timeout=120, check=False
    )
    found = imported(done.stderr.splitlines())
    assert "tusd_py.cli.main" in found
    assert found & left_out == set()
