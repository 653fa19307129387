"""The applications of the documents, run in the process as their pages have them."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from support.snippets import run_python, snippet
from support.tokens import SECRET
from support.tus import creation
from support.waiting import until


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, where the applications keep their data."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def served(app: Any, talk: Callable[[httpx.AsyncClient], Awaitable[None]]) -> None:
    """Talk to an application that runs in the process."""

    async def run() -> None:
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client,
        ):
            await talk(client)

    asyncio.run(run())


def test_an_application_that_mounts_the_server_asks_for_its_own_login(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SECRET", SECRET)
    app = run_python(snippet("docs/embedding.md", "import os"))["app"]

    async def talk(client: httpx.AsyncClient) -> None:
        tasks = await client.get("/uploads/api/file/upload/tasks")
        upload = await client.post("/uploads/files/", headers=creation(5))
        for answer in (tasks, upload):
            assert (answer.status_code, answer.json()["detail"]) == (401, "Log in first.")

    served(app, talk)


def test_an_application_names_the_user_by_its_session() -> None:
    class Sessions:
        async def user_of(self, session: str | None) -> Any:
            known = {"a1": (7, "north"), "b2": (8, "south")}
            if session not in known:
                return None
            number, organisation = known[session]
            return SimpleNamespace(id=number, organisation=organisation)

    block = snippet("docs/security.md", "from tusd_py import Settings")
    app = run_python(block, my_sessions=Sessions())["app"]

    async def talk(client: httpx.AsyncClient) -> None:
        def by(session: str) -> dict[str, str]:
            return {**creation(5), "Cookie": f"session={session}"}

        made = await client.post("/files/", headers=by("a1"))
        assert made.status_code == 201
        assert (await client.post("/files/", headers=creation(5))).status_code == 401
        seen = [
            (await client.head(made.headers["Location"], headers=by(session))).status_code
            for session in ("a1", "b2", "c3")
        ]
        assert seen == [200, 404, 401]

    served(app, talk)


def test_an_applications_functions_decide_and_are_notified() -> None:
    class Albums(set[str]):
        def add_file(self, file: str, name: str) -> None:
            files.append((file, name))

    files: list[tuple[str, str]] = []
    block = snippet("docs/hooks.md", "from tusd_py import Settings")
    app = run_python(block, ALBUMS=Albums({"7"}))["app"]

    async def talk(client: httpx.AsyncClient) -> None:
        refused = await client.post("/files/", headers=creation(5, album="8"))
        assert (refused.status_code, refused.json()["detail"]) == (404, "There is no such album.")
        fields = creation(5, has_body=True, album="7", filename="a.txt")
        made = await client.post("/files/", headers=fields, content=b"hello")
        assert made.status_code == 201, made.text
        assert made.headers["Upload-Offset"] == "5", made.headers
        await until(lambda: files)
        assert files[0][0]
        assert files[0][1] == "a.txt"

    served(app, talk)
