"""The description of the JSON API against the running server."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route, WebSocketRoute
from support.page import visiting
from support.server import Server, running_server
from support.tokens import SECRET, token

from tusd_py import Settings, create_app
from tusd_py.http.routes.openapi import description

STREAMS = "/events"
"""They have no end, and schemathesis waits for it: ``test_api.py`` reads them."""
NOT_JSON = {"/", "/page/{name}", "/admin", "/api/docs", "/api/openapi.json", "/metrics"}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("data")
    with running_server(folder, env={"TUSD_AUTH__ACCESS_SECRET": SECRET}) as server:
        yield server


def test_the_server_agrees_with_its_description(guarded: Server, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "schemathesis"), "run",
            f"{guarded.url}/api/openapi.json",
            "--header", f"Authorization: Bearer {token(1, role='admin')}",
            "--exclude-path-regex", STREAMS, "--max-examples", "12", "--seed", "20",
        ],
        capture_output=True, text=True, cwd=tmp_path, check=False, timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    (cases,) = re.findall(r"(\d+) generated", done.stdout)
    assert int(cases) > 900


def test_every_route_is_described(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, workers=0, auth={"access_secret": SECRET}))
    described = {
        (path, method.upper())
        for path, methods in description()["paths"].items()
        for method in methods
    }
    routes = [route for route in app.routes if not isinstance(route, WebSocketRoute)]
    assert all(isinstance(route, Route) for route in routes)
    there = {
        (route.path, method)
        for route in routes
        if isinstance(route, Route) and route.path not in NOT_JSON
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert there == described
    app.state.context.ports.close()


def test_people_read_it_in_a_viewer_that_needs_no_other_site(guarded: Server) -> None:
    assert httpx.get(f"{guarded.url}/api/openapi.json").json()["servers"] == [{"url": "/"}]
    with visiting(
        f"{guarded.url}/api/docs", ["text", "#api", "Upload one file by a form"]
    ) as visit:
        visit.seen()
