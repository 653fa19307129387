"""The page about the web component: a static site of another address, and the package for npm."""

import json
import os
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from support.page import visiting
from support.required import NODE_PACKAGES, require_program
from support.server import running_server
from support.snippets import ROOT, run_python, snippet
from support.tokens import SECRET, bearer, token
from support.tus import TUS

from tusd_py.page import COMPONENT

CONTENT = b"a film of another site" * 100_000


@contextmanager
def static_site(folder: Path, policy: str) -> Iterator[str]:
    """Serve the files of a folder with a content policy; yield the address."""

    class Files(SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=folder)) as site:
        thread = Thread(target=site.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{site.server_port}"
        finally:
            site.shutdown()
            thread.join()


def test_a_static_site_sends_to_another_address_under_a_strict_policy(tmp_path: Path) -> None:
    body = snippet("docs/component.md", "<tusd-upload endpoint=")
    script = snippet("docs/component.md", "const field =")
    (file := tmp_path / "a.bin").write_bytes(CONTENT)
    (large := tmp_path / "large.bin").write_bytes(bytes(50_000_001))
    (folder := tmp_path / "site" / "my-own").mkdir(parents=True)
    (folder / "token").write_text(token(7))
    (folder.parent / "upload.js").write_text(script.text)
    env = {"TUSD_AUTH__ACCESS_SECRET": SECRET}
    with running_server(tmp_path / "data", "--workers", "1", env=env) as server:
        policy = (
            f"default-src 'none'; script-src 'self' {server.url} 'wasm-unsafe-eval'; "
            f"connect-src 'self' {server.url}; worker-src blob:; base-uri 'none'"
        )
        html = f"<!doctype html><html lang=en><meta charset=utf-8><title>Films</title>{body.at(server.url)}"
        (folder.parent / "index.html").write_text(html)
        with static_site(folder.parent, policy) as site, visiting(
            f"{site}/",
            ["choose", "tusd-upload input", str(large)],
            ["there", "tusd-upload .refused:has-text('at most 50 MB')"],
            ["choose", "tusd-upload input", str(file)],
            ["there", "tusd-upload li[data-state=sent]"],
            ["requests", "POST", "upload-metadata", "filehash"],
            ["script", "document.querySelector('tusd-upload').files.map(({ url }) => url)"],
        ) as visit:  # fmt: skip
            seen = visit.seen()
        # The worker of another address hashed it.
        assert [each["requests"] for each in seen if "requests" in each] == [1]
        (address,) = next(each["returned"] for each in seen if "returned" in each)
        got = httpx.get(address, headers={**TUS, **bearer(token(7))})
        assert got.content == CONTENT


@pytest.mark.parametrize(
    "forged", ["http://127.0.0.1:9/", "//127.0.0.1:9/", "../tasks", "", "A" * 32]
)
def test_what_is_no_id_in_a_form_is_never_requested(
    forged: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    requested: list[httpx.Request] = []
    monkeypatch.setattr(httpx.Client, "send", lambda _, request, **__: requested.append(request))
    block = snippet("docs/component.md", "import os\nimport re\n")
    names_of = run_python(block, upload_token=token)["names_of"]
    with pytest.raises(ValueError, match="not the id"):
        names_of(7, ["a" * 32, forged])
    assert requested == []


def test_what_is_installed_is_a_package_for_npm(tmp_path: Path) -> None:
    require_program("npm", NODE_PACKAGES)
    block = snippet("docs/component.md", "$ npm pack")
    commands = "\n".join(line.removeprefix("$ ") for line in block.text.splitlines())
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "npm_config_offline": "true", "npm_config_audit": "false"}
    (tmp_path / "package.json").write_text("{}")
    subprocess.run(["sh", "-ec", commands], cwd=tmp_path, env=env, check=True, timeout=120)
    (packed,) = tmp_path.glob("*.tgz")
    with tarfile.open(packed) as archive:
        names = {Path(name).relative_to("package").as_posix() for name in archive.getnames()}
    assert names == {path.name for path in Path(str(COMPONENT)).iterdir()}
    about = json.loads((tmp_path / "node_modules" / "tusd-upload" / "package.json").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert about["version"] == project["version"]
    for named in (about["main"], about["types"], *about["exports"]):
        assert named == "." or named.removeprefix("./") in names
