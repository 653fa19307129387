"""Commands and servers name the service that is away, its address and its words, not its secrets."""

import json
import socket
import subprocess
from pathlib import Path

import httpx
import pytest
from support.server import Server, running_server
from support.services import free_port

PROGRAM = Path(__file__).parents[2] / ".venv/bin/tusd-py"
SECRET = "canary-5d0e"
REFUSED = "Connection refused"
MYSQL = f"root:{SECRET}@tcp(127.0.0.1:1)/tusd"
S3 = {
    "TUSD_S3__BUCKET": "b",
    "TUSD_S3__REGION": "r",
    "TUSD_S3__ENDPOINT": "http://127.0.0.1:1",
    "TUSD_S3__ACCESS_KEY_ID": "x",
    "TUSD_S3__SECRET_ACCESS_KEY": SECRET,
}
RABBITMQ = {
    "TUSD_RABBITMQ__HOST": "127.0.0.1",
    "TUSD_RABBITMQ__PORT": "1",
    "TUSD_RABBITMQ__PASSWORD": SECRET,
}


def run(*arguments: str, **env: str) -> str:
    """Return the last line of a command that fails."""
    done = subprocess.run(
        [str(PROGRAM), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={"PATH": "/usr/sbin:/usr/bin:/bin", **env},
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert SECRET not in done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    "command", [["serve", "--port", "0"], ["worker"], ["gc"], ["prioritize", "1"]]
)
def test_a_database_that_is_away_is_named(tmp_path: Path, command: list[str]) -> None:
    said = run(*command, "--data-dir", str(tmp_path), TUSD_MYSQL__DATA_SOURCE=MYSQL)
    assert said.startswith("tusd-py: the catalog, MySQL at 127.0.0.1:1/tusd: ")
    assert REFUSED in said


def test_a_broker_that_is_away_is_named(tmp_path: Path) -> None:
    said = run("dead-letters", "list", "--data-dir", str(tmp_path), **RABBITMQ)
    assert said == f"tusd-py: the queue, RabbitMQ at 127.0.0.1:1/: [Errno 111] {REFUSED}"


def test_a_bucket_that_is_away_is_named(tmp_path: Path) -> None:
    said = run("gc", "--data-dir", str(tmp_path), **S3)
    assert said.startswith("tusd-py: the object store, the bucket at http://127.0.0.1:1/b: ")


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite3").write_text("no database" * 1000)
    said = run("gc", "--data-dir", str(tmp_path))
    place = f"the catalog, the SQLite file at {tmp_path}/catalog.sqlite3"
    assert said == f"tusd-py: {place}: file is not a database"


def test_a_directory_that_has_a_server_is_named_in_one_line(server: Server) -> None:
    said = run("serve", "--port", "0", "--data-dir", str(server.data_dir))
    assert said == f"tusd-py: another server uses {server.data_dir}"


@pytest.mark.parametrize("command", [["serve", "--port", "0"], ["worker"]])
def test_an_address_for_monitoring_that_is_taken_is_named(
    tmp_path: Path, command: list[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        env = {"TUSD_MONITORING_LISTEN": address, "TUSD_WORKER_LISTEN": address}
        said = run(*command, "--data-dir", str(tmp_path / "data"), **env)
    assert said == f"tusd-py: Address already in use: {address}"


def test_operators_and_users_of_a_server_read_what_is_for_them(tmp_path: Path) -> None:
    monitoring = f"127.0.0.1:{free_port()}"
    env = {"TUSD_MONITORING_LISTEN": monitoring, "TUSD_REDIS__ADDR": "127.0.0.1:1"}
    with running_server(tmp_path / "data", "--workers", "0", env=env) as server:
        checks = httpx.get(f"http://{monitoring}/readyz").json()["checks"]
        assert checks["tasks"]["reason"] == "The live view of tasks can't be reached."
        detail = checks["tasks"]["detail"]
        assert detail.startswith("the live view of tasks, Redis at 127.0.0.1:1: ")
        assert REFUSED in detail
        server.wait_for_line("check.failed", json.dumps(detail))
    with running_server(tmp_path / "open", env={"TUSD_REDIS__ADDR": "127.0.0.1:1"}) as server:
        assert "127.0.0.1:1" not in httpx.get(f"{server.url}/readyz").text
