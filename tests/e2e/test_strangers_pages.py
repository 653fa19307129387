"""Pages of another site, and of a rebound name, in a real Chromium."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import httpx
from support.page import NODE
from support.required import require_node, require_program
from support.server import running_server
from support.tus import upload

LISTED: Final = "http://listed.example"


def tried(page: str, server: str, file: str) -> dict[str, Any]:
    """Return the result of each attempt of a page at this address."""
    require_program("chromium")
    require_node("playwright-core")
    host = httpx.URL(page).host
    done = subprocess.run(
        ["node", str(NODE / "hostile-page.mjs"), page, server, file, host],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_strange_page_gets_nothing_and_a_listed_one_all(tmp_path: Path) -> None:
    env = {"TUSD_CORS__ALLOW_ORIGINS": LISTED}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        task = upload(server, b"a private letter", filename="private.txt")
        server.wait_for_status(task, "completed")
        file = f"/files/{task}"

        def names() -> list[str]:
            listed = httpx.get(f"{server.url}/api/file/upload/tasks").json()["tasks"]
            return sorted(each["filename"] for each in listed)

        # A page of another site can't even read the refusals.
        strange = tried("http://evil.example/", server.url, file)
        assert set(strange.values()) == {"refused", "opaque"}
        assert strange["blindForm"] == "opaque"

        # A rebound name is the page's own origin in the browser: the page reads refusals, and
        # nothing else.
        name = f"http://evil.example:{server.port}"
        rebound = tried(f"{name}/", name, file)
        assert "host_not_allowed" in rebound.pop("read")
        assert rebound.pop("image") == rebound.pop("websocket") == "refused"
        assert rebound.pop("blindForm") == "basic"
        assert set(rebound.values()) == {421}
        assert names() == ["private.txt"]

        listed = tried(f"{LISTED}/", server.url, file)
        assert listed["read"] == "a private letter"
        assert (listed["list"], listed["create"], listed["form"]) == (200, 201, 200)
        assert (listed["websocket"], listed["remove"]) == ("open", 204)
        assert httpx.get(f"{server.url}{file}").status_code in (404, 410)
