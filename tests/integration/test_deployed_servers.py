"""A server as each deployment starts it, its command and environment read from the shipped files.

The engines are left out, so that it is embedded: access does not depend on them.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from support.deploy_files import (
    UNITS,
    compose,
    filled_in,
    manifests,
    pod_environment,
    unit_environment,
    without_engines,
)
from support.server import running_server
from support.tokens import SECRET, bearer, token
from support.tus import creation


def by_compose() -> tuple[list[str], dict[str, str]]:
    service = compose(filled_in(SECRET))["services"]["server-1"]
    return service["command"], service["environment"]


def by_systemd() -> tuple[list[str], dict[str, str]]:
    unit = next(unit for unit in UNITS if "server" in unit.name)
    started = re.search(r"^ExecStart=\S+ (.*)$", unit.read_text("utf-8"), re.MULTILINE)
    assert started
    return started[1].replace("%i", "0").split(), unit_environment(unit, "0")


def by_kubernetes() -> tuple[list[str], dict[str, str]]:
    deployment = next(
        found for found in manifests("Deployment") if found["metadata"]["name"].endswith("server")
    )
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container["args"], pod_environment(deployment)


Way = Callable[[], tuple[list[str], dict[str, str]]]

WAYS = pytest.mark.parametrize("way", [by_compose, by_systemd, by_kubernetes])


def embedded(given: dict[str, str], folder: Path) -> dict[str, str]:
    """Return the environment without engines, with a directory and addresses of the test."""
    assert given["TUSD_MONITORING_LISTEN"]
    places = {"TUSD_DATA_DIR": str(folder), "TUSD_MONITORING_LISTEN": f"{folder}.sock"}
    return {**without_engines(given), **places, "TUSD_PORT": "0"}


@WAYS
def test_a_stranger_is_refused_and_the_first_user_is_served(way: Way, tmp_path: Path) -> None:
    command, given = way()
    assert command[0] == "serve"
    env = {**embedded(given, tmp_path / "data"), "TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path / "data", *command[1:], env=env) as server:
        tasks = f"{server.url}/api/file/upload/tasks"
        for path in ("/api/file/upload/tasks", f"/files/{'0' * 32}", "/api/admin/overview"):
            assert httpx.get(f"{server.url}{path}").status_code == 401, path
        for path in ("/readyz", "/metrics"):
            assert httpx.get(f"{server.url}{path}").status_code == 404, path
        # The secret is in the place where the server has its environment, as docs/production.md
        # describes.
        made = subprocess.run(
            [sys.executable, "-m", "tusd_py", "user", "add", "anna"],
            env={**os.environ, **env}, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        assert httpx.get(tasks, headers=bearer(made.strip())).status_code == 200


@WAYS
@pytest.mark.parametrize("secret", ["", "CHANGE_ME"])
def test_without_a_secret_it_does_not_start_and_reports_it(
    way: Way, secret: str, tmp_path: Path
) -> None:
    command, given = way()
    env = {**os.environ, **embedded(given, tmp_path / "data"), "TUSD_AUTH__ACCESS_SECRET": secret}
    done = subprocess.run(
        [sys.executable, "-m", "tusd_py", *command],
        env=env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "openssl rand -hex 32" in done.stderr
    assert not (tmp_path / "data").exists()


def test_behind_the_ingress_no_header_of_a_client_changes_an_address(tmp_path: Path) -> None:
    """ingress-nginx passes on what it does not write itself, for example X-Forwarded-Prefix."""
    command, given = by_kubernetes()
    env = {**embedded(given, tmp_path / "data"), "TUSD_AUTH__ACCESS_SECRET": SECRET}
    forged = {
        "Forwarded": "host=uploads.example.com;proto=http",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Port": "1",
    }
    with running_server(tmp_path / "data", *command[1:], env=env) as server:
        made = httpx.post(server.files, headers={**creation(1), **bearer(token(7)), **forged})
        assert made.headers["Location"].startswith("https://uploads.example.com/files/")
        page = httpx.get(f"{server.url}/", headers={"Accept": "text/html", **forged})
        assert '<base href="/">' in page.text
