"""The page at ``/`` in a real Chromium: what users do there, and failures meanwhile."""

import filecmp
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.media import video
from support.metrics import metrics
from support.page import visiting
from support.required import NODE_PACKAGES, require_program
from support.s3 import KEY_ID, REGION, S3Server
from support.s3 import SECRET as S3_SECRET
from support.server import STILLS, Server, running_server
from support.tokens import SECRET, token

from tusd_py.client import Client

MIB = 1 << 20
ROOT = Path(__file__).parents[2]


def test_files_go_in_are_followed_and_come_out(server: Server, tmp_path: Path) -> None:
    file, clip = tmp_path / "a.bin", video(tmp_path / "clip.mp4")
    file.write_bytes(os.urandom(3 * MIB))
    with visiting(
        f"{server.url}/",
        ["add", str(file), str(clip)], ["until", "completed", 2], ["download"],
        ["tab"], ["until", "completed", 2], ["add", str(file)], ["until", "completed", 3],
        ["remove"], ["until", "completed", 2],
    ) as visit:  # fmt: skip
        seen = visit.seen()
    rows = next(each["rows"] for each in seen if each.get("did") == "until")
    assert {row["name"] for row in rows} == {"a.bin", "clip.mp4"}
    assert next(each for each in seen if "downloaded" in each)["downloaded"] > 0
    third = seen[-3]["rows"][0]
    assert third["message"] == "The file was here already: nothing was sent"
    assert metrics(server.url)["tusd_uploads_instant_total"] == 1


@pytest.mark.parametrize("guarded", [False, True])
def test_a_film_is_played_and_had_back_as_it_was_sent(tmp_path: Path, guarded: bool) -> None:
    clip = video(tmp_path / "clip.mkv")
    env = {**STILLS, "TUSD_MEDIA__PRESET": "ultrafast", "TUSD_MEDIA__KEEP_ORIGINAL": "always"}
    env |= {"TUSD_AUTH__ACCESS_SECRET": SECRET} if guarded else {}
    with (
        running_server(tmp_path / "data", "--workers", "1", env=env) as server,
        visiting(
            f"{server.url}/", *([["token", token(1)]] if guarded else []),
            ["add", str(clip)], ["until", "completed"], ["play"], ["download"],
        ) as visit,
    ):  # fmt: skip
        seen = visit.seen()
    played = next(each["played"] for each in seen if "played" in each)
    assert (played["videoWidth"], played["videoHeight"]) == (160, 120)
    assert played["duration"] == pytest.approx(2.0, abs=0.2)
    (had,) = (each for each in seen if "downloaded" in each)
    assert had["named"] == "clip.mp4"
    assert had["downloaded"] > 0


def test_a_large_file_is_downloaded_with_a_token_from_an_object_store(
    tmp_path: Path, s3_server: S3Server
) -> None:
    file = tmp_path / "large.bin"
    file.write_bytes(os.urandom(64 * MIB))
    env = {
        "TUSD_AUTH__ACCESS_SECRET": SECRET,
        "TUSD_S3__ENDPOINT": s3_server.url, "TUSD_S3__REGION": REGION,
        "TUSD_S3__BUCKET": s3_server.bucket(), "TUSD_S3__ACCESS_KEY_ID": KEY_ID,
        "TUSD_S3__SECRET_ACCESS_KEY": S3_SECRET,
    }  # fmt: skip
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server, visiting(
        f"{server.url}/",
        ["token", token(7)], ["add", str(file)], ["until", "completed"], ["download"], ["memory"],
    ) as visit:  # fmt: skip
        seen = visit.seen()
    (had,) = (each for each in seen if "downloaded" in each)
    assert (had["downloaded"], had["named"]) == (64 * MIB, "large.bin")
    # The browser writes it to its disk: the page holds no byte of it.
    (memory,) = (each["memory"] for each in seen if "memory" in each)
    assert memory < 32 * MIB


def test_with_a_token_and_in_chinese(tmp_path: Path) -> None:
    file = tmp_path / "a.bin"
    file.write_bytes(os.urandom(MIB))
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server, visiting(
        f"{server.url}/",
        ["token", "wrong"], ["text", "#gate output", "令牌无效"], ["token", token(7)],
        # The focus does not stay in the field that is gone.
        ["focused", "上传文件"],
        ["add", str(file)], ["until", "completed"], ["text", "#tasks .status", "上传完成"],
        ["text", "#find [name=state]", "正在接收"],
        ["download"], ["language", "en"], ["text", "#tasks .status", "Done"],
        ["reload"], ["text", "h1", "Upload files"],
        context={"locale": "zh-CN", "colorScheme": "dark"},
    ) as visit:  # fmt: skip
        seen = visit.seen()
    assert next(each for each in seen if "downloaded" in each)["downloaded"] == MIB


def violations(seen: list[dict[str, Any]]) -> list[str]:
    found = [each["violations"] for each in seen if "violations" in each]
    assert found
    return sorted({one for each in found for one in each})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_used_without_a_mouse_and_without_eyes(tmp_path: Path, scheme: str) -> None:
    file, clip = tmp_path / "a.bin", video(tmp_path / "clip.mp4")
    file.write_bytes(os.urandom(MIB))
    env = {"TUSD_MEDIA__ON_FAILURE": "fail", "TUSD_MEDIA__MAX_PIXELS": "100"}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        with visiting(
            f"{server.url}/",
            ["text", ".uppy-Dashboard-note", "it goes on where it stopped"], ["accessible"],
            ["keyed", ".uppy-Dashboard-browse", str(file), str(clip)],
            ["until", "completed"], ["until", "failed"],
            ["text", "#tasks [data-status=failed] .message", "could not be processed"],
            ["accessible"],
            context={"colorScheme": scheme},
        ) as visit:  # fmt: skip
            assert violations(visit.seen()) == []
        with visiting(
            server.operator_link, ["text", "#failures", "clip.mp4"], ["accessible"],
            context={"colorScheme": scheme},
        ) as operator:  # fmt: skip
            assert violations(operator.seen()) == []


def test_an_operator_sees_a_failure_and_tries_it_again(tmp_path: Path) -> None:
    env = {
        "TUSD_AUTH__ACCESS_SECRET": SECRET, "TUSD_JOBS__RENEW_EVERY": "0.2",
        "TUSD_MEDIA__ON_FAILURE": "fail", "TUSD_MEDIA__MAX_PIXELS": "100",
        "TUSD_MEDIA__KEEP_ORIGINAL": "always",
    }  # fmt: skip
    clip = video(tmp_path / "clip.mp4")
    with running_server(tmp_path / "data", "--workers", "2", env=env) as server:
        with Client(f"{server.url}/files/", token=token(7)) as client:
            sent = client.upload(clip)
        steps: list[list[object]] = [
            ["token", token(7)], ["text", "#gate output", "users with the role admin"],
            ["token", token(1, role="admin")],
            ["text", "#failures", "clip.mp4"], ["text", "#workers", "0 / 2 busy"],
            ["text", "#steps", "Inspect"], ["line"],
            ["press", "#failures button"], ["without", "#failures button"],
            ["text", "#numbers", "100.0 %"],
            ["fill", "#task", sent.task_id], ["press", "#reprocess button"],
            ["text", "#reprocess output", "It is queued."],
        ]  # fmt: skip
        with visiting(f"{server.url}/admin", *steps) as visit:
            visit.wait_for_line()
            server.stop()
            del server.env["TUSD_MEDIA__MAX_PIXELS"]
            server.start()
            visit.go_on()
            visit.seen()


def test_a_browser_gets_the_page_and_others_a_few_lines(server: Server) -> None:
    page = httpx.get(f"{server.url}/", headers={"Accept": "text/html,*/*"})
    assert 'data-endpoint="files/"' in page.text
    assert "script-src 'self' 'wasm-unsafe-eval'" in page.headers["Content-Security-Policy"]
    assert httpx.get(f"{server.url}/").text.startswith("tusd-py: resumable uploads")
    script = httpx.get(f"{server.url}/page/page.js")
    assert script.headers["Content-Type"].startswith("text/javascript")
    again = {"If-None-Match": script.headers["ETag"]}
    assert httpx.get(f"{server.url}/page/page.js", headers=again).status_code == 304
    for name in ("index.html", "..%2fhome.py", "none.js", "logo"):
        assert httpx.get(f"{server.url}/page/{name}").status_code == 404


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_the_page_loads_first_is_small(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"Accept": "text/html"}) as browser:
        # What is needed only after a click is not loaded first.
        names = (
            "",
            "page/page.css",
            "page/page.js",
            "page/hash-worker.js",
            "page/stream-worker.js",
        )
        answers = [browser.get(f"/{name}") for name in names]
        assert {answer.headers.get("Content-Encoding") for answer in answers[1:]} == {"gzip"}
        sent = sum(int(answer.headers["Content-Length"]) for answer in answers)
        assert sent < 150 << 10
        # The form field is a part of other pages, which have weights of their own.
        assert int(browser.get("/page/tusd-upload.js").headers["Content-Length"]) < 16 << 10
        plain = browser.get("/page/page.js", headers={"Accept-Encoding": "gzip;q=0, br"})
        assert plain.content == answers[2].content
        assert plain.headers["ETag"] != answers[2].headers["ETag"]
        assert plain.headers["Vary"] == "Accept-Encoding"


def test_what_is_committed_is_what_is_built(tmp_path: Path) -> None:
    require_program("npm", NODE_PACKAGES)
    page = ROOT / "tusd_py" / "page"
    # The page has the texts of tasks from the same file as the command line.
    shutil.copy(ROOT / "tusd_py" / "task_texts.json", tmp_path)
    copy = tmp_path / "page"
    shutil.copytree(page / "source", copy / "source", ignore=shutil.ignore_patterns("node_modules"))
    for command in (
        ["npm", "ci", "--silent", "--no-audit", "--no-fund"],
        ["npm", "run", "-s", "build"],
    ):
        subprocess.run(command, cwd=copy / "source", check=True, timeout=180)
    names = files_below(page / "built")
    assert files_below(copy / "built") == names
    _, differing, missing = filecmp.cmpfiles(copy / "built", page / "built", names, shallow=False)
    assert (differing, missing) == ([], [])
