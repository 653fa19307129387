"""Unmodified tus clients, each sending one file whose hash it declares by metadata."""

import asyncio
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path

import aiotus
from support.required import require_node, require_program
from support.services import free_port
from tusclient import client as tuspy

UPPY_PORT = free_port()
UPPY_PAGE = {"TUSD_CORS__ALLOW_ORIGINS": f"http://127.0.0.1:{UPPY_PORT}"}
"""The setting of a server that lets the page in on which ``by_uppy`` uploads."""
NODE = Path(__file__).parents[1] / "node"
SECONDS = 600


def by_tuspy(
    endpoint: str,
    file: Path,
    declared: str,
    *,
    headers: Mapping[str, str] | None = None,
    **options: object,
) -> str:
    """Upload the file and return the address of the upload."""
    uploader = tuspy.TusClient(endpoint, headers=dict(headers or {})).uploader(
        str(file), metadata={"filename": "a.bin", "filehash": declared}, **options
    )
    uploader.upload()
    return str(uploader.url)


def by_aiotus(
    endpoint: str, file: Path, declared: str, *, headers: Mapping[str, str] | None = None
) -> str:
    """Upload the file and return the address of the upload."""
    options = {"filename": b"a.bin", "filehash": declared.encode()}
    with file.open("rb") as content:
        url = asyncio.run(aiotus.upload(endpoint, content, options, headers=dict(headers or {})))
    assert url is not None
    return str(url)


def by_tus_js(
    endpoint: str,
    file: Path,
    declared: str,
    *,
    headers: Mapping[str, str] | None = None,
    **options: object,
) -> str:
    """Upload the file and return the address of the upload."""
    options = {"metadata": {"filehash": declared}, "headers": headers or {}, **options}
    return _by_node("upload.mjs", "tus-js-client", endpoint, file, options)


def by_uppy(
    endpoint: str,
    file: Path,
    declared: str,
    *,
    headers: Mapping[str, str] | None = None,
    **options: object,
) -> str:
    """Upload the file and return the address of the upload."""
    require_program("chromium")
    options = {
        "metadata": {"filehash": declared},
        "headers": headers or {},
        "pagePort": UPPY_PORT,
        **options,
    }
    return _by_node("uppy.mjs", "@uppy/tus", endpoint, file, options)


def _by_node(
    script: str, package: str, endpoint: str, file: Path, options: Mapping[str, object]
) -> str:
    require_node(package)
    done = subprocess.run(
        ["node", str(NODE / script), endpoint, str(file), json.dumps(options)],
        capture_output=True, text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return str(json.loads(done.stdout)["url"])
