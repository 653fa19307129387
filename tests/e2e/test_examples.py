"""The applications in docs/examples, run by their own commands, with real clients."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from support.clients import by_aiotus
from support.page import visiting
from support.raw_http import connected
from support.services import free_port
from support.snippets import snippet
from support.waiting import wait_until

ROOT = Path(__file__).parents[2]
LENT = "tusd_py.ingest.uvicorn_protocol:TusHttpProtocol"


@contextmanager
def running(example: str, folder: Path, *flags: str) -> Iterator[str]:
    """Run an example and yield its address."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", f"docs.examples.{example}:app", "--port", str(port),
         *flags],
        cwd=ROOT, env={**os.environ, "SECRET": "s" * 32, "DATA_DIR": str(folder / "data")},
    )  # fmt: skip
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, "the example has ended"
        try:
            return httpx.get(url).status_code == 200
        except httpx.TransportError:
            return False

    try:
        wait_until(answers)
        yield url
    finally:
        process.terminate()
        assert process.wait(30) in (0, -15)


@pytest.mark.parametrize("flags", [(), ("--http", LENT)], ids=["plain", "lent"])
def test_who_logs_in_at_a_fastapi_app_uploads_by_uppy(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(random.Random(5).randbytes(5 << 20))
    with running("fastapi_app", tmp_path, *flags) as url:
        assert httpx.post(f"{url}/login", data={"name": "ada", "password": "x"}).status_code == 401
        refused = httpx.get(f"{url}/uploads/api/file/upload/tasks")
        assert (refused.status_code, refused.json()["detail"]) == (401, "Log in first.")
        with visiting(
            f"{url}/",
            ["fill", "[name=name]", "ada"], ["fill", "[name=password]", "lovelace"],
            ["press", "button"], ["add", str(file)], ["until", "completed"], ["download"],
        ) as visit:  # fmt: skip
            seen = visit.seen()
        assert next(each for each in seen if "downloaded" in each)["downloaded"] == 5 << 20
        field = snippet("docs/component.md", '<tusd-upload name="report" endpoint="/uploads')
        with visiting(
            f"{url}/",
            ["fill", "[name=name]", "ada"], ["fill", "[name=password]", "lovelace"],
            ["press", "button"], ["there", "#drop"], ["go", "/report"], ["there", "tusd-upload .hint"],
            ["script", "document.querySelector('tusd-upload').outerHTML"],
            ["choose", "tusd-upload input", str(file)], ["there", "tusd-upload [data-state=sent]"],
            ["press", "text=Hand in"], ["text", "body", "uploads"],
        ) as visit:  # fmt: skip
            (shown,) = (each["returned"] for each in visit.seen() if "returned" in each)
        assert (
            shown.replace('="" ', " ").replace('=""', "").replace(' id="report"', "") in field.text
        )
        with httpx.Client(base_url=url) as grace:
            grace.post("/login", data={"name": "grace", "password": "hopper"})
            assert grace.get("/uploads/api/file/upload/tasks").json()["total"] == 0


def test_a_starlette_app_takes_the_proxys_word(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(os.urandom(1 << 20))
    with running("starlette_app", tmp_path) as url:
        below = f"{url}/files-of-users"
        assert httpx.get(f"{below}/api/file/upload/tasks").status_code == 401
        mine = {"X-User": "7"}
        address = by_aiotus(f"{below}/files/", file, "", headers=mine)
        task = address.rpartition("/")[2]

        def done() -> bool:
            state = httpx.get(f"{below}/api/file/upload/progress/{task}", headers=mine).json()
            return state["status"] == "completed"

        wait_until(done)
        assert httpx.get(address, headers=mine).content == file.read_bytes()


def test_a_form_to_an_endpoint_of_a_fastapi_app_is_resumed(tmp_path: Path) -> None:
    photo = os.urandom(1 << 20)
    form = httpx.Request(
        "POST", "http://app", files={"photo": ("a.jpg", photo)}, data={"album": "7"}
    )
    body, typed = form.read(), {"Content-Type": form.headers["Content-Type"]}
    version = {"Upload-Draft-Interop-Version": "8"}
    with running("resumable_app", tmp_path, "--http", LENT) as url:
        plain = httpx.post(f"{url}/photos", content=body, headers=typed)
        assert (plain.status_code, plain.json()["bytes"]) == (201, len(photo))
        begun = {**version, **typed, "Upload-Complete": "?1", "Content-Length": len(body)}
        with connected(url) as connection:
            connection.send(connection.plain("POST", f"{url}/photos", **begun))
            interim = connection.answer()
            connection.send(body[: len(body) // 2])
        assert interim.status == 104
        address = interim.headers["location"]
        assert address.startswith(f"{url}/uploads/files/")
        state = httpx.head(address, headers=version)
        offset = int(state.headers["Upload-Offset"])
        assert (state.headers["Upload-Complete"], offset < len(body)) == ("?0", True)
        last = {
            **version, "Upload-Complete": "?1", "Upload-Offset": str(offset),
            "Content-Type": "application/partial-upload",
        }  # fmt: skip
        answer = httpx.patch(address, content=body[offset:], headers=last)
        assert (answer.status_code, answer.json()) == (plain.status_code, plain.json())
        assert answer.headers["Upload-Complete"] == "?1"
