"""Code of the documents, run as it is written there."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.server import running_server

DOCS = Path(__file__).parents[2] / "docs"
SECRET = "5f1e0c7a93b24d68a1f0e2d3c4b5a697"
TUS = {"Tus-Resumable": "1.0.0", "Upload-Length": "5"}


def python_of(page: str) -> dict[str, Any]:
    """Run the first Python block of a page and return its names."""
    found = re.search(r"```python\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {"__name__": page}
    exec(found[1], names)
    return names


def test_the_application_of_the_page_about_embedding_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SECRET", SECRET)
    app = python_of("embedding.md")["app"]

    async def answers() -> list[tuple[int, str]]:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
        ):
            tasks = await client.get("/uploads/api/file/upload/tasks")
            upload = await client.post("/uploads/files/", headers=TUS)
            return [(one.status_code, one.json()["detail"]) for one in (tasks, upload)]

    assert asyncio.run(answers()) == [(401, "Log in first.")] * 2


def test_a_token_of_the_page_about_frameworks_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUSD_AUTH__ACCESS_SECRET", SECRET)
    upload_token = python_of("frameworks.md")["upload_token"]
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path / "data", "--workers", "0", env=env) as server:
        made = [
            httpx.post(server.files, headers={**TUS, "Authorization": f"Bearer {token}"})
            for token in (upload_token(7), upload_token(8), upload_token(7, seconds=-3600))
        ]
        assert [one.status_code for one in made] == [201, 201, 401]
        other = {"Tus-Resumable": "1.0.0", "Authorization": f"Bearer {upload_token(8)}"}
        assert httpx.head(made[0].headers["Location"], headers=other).status_code == 404
