"""What a server says of itself when it starts."""

import secrets
from pathlib import Path

import uvicorn
from support.migrated import put_catalog

from tusd_py.app import build_server
from tusd_py.banner import startup_banner
from tusd_py.counts.local import LocalCounts
from tusd_py.ingest.uvicorn_protocol import TusHttpProtocol
from tusd_py.server import _connection_class
from tusd_py.settings.model import Settings
from tusd_py.wiring import open_ports
from tusd_py.worker.media.tools import Tools

TOOLS = Tools(ffmpeg=None, ffprobe=None, version="", sandbox="off")


def said(folder: Path, *, ours: bool, **settings: object) -> dict[str, str]:
    chosen = Settings(data_dir=folder, workers=0, **settings)  # type: ignore[arg-type]
    put_catalog(folder)
    ports = open_ports(chosen)
    try:
        context = build_server(chosen, ports).state.context
        lines = startup_banner(context, TOOLS, 1, ours=ours)
        context.threads.close()
    finally:
        ports.close()
    return {line.partition(" ")[0]: line.partition(" ")[2].strip() for line in lines}


def test_the_way_of_receiving_bodies_is_logged(tmp_path: Path) -> None:
    assert said(tmp_path, ours=True)["bodies"] == "from the connection, by threads"
    assert said(tmp_path, ours=True, lend_bodies=False)["bodies"] == "by way of ASGI"
    other = said(tmp_path, ours=False)["bodies"]
    assert other.startswith(f"by way of ASGI, slower: uvicorn {uvicorn.__version__} ")


def test_the_connection_class_has_the_settings() -> None:
    for lend_bodies in (True, False):
        chosen = _connection_class(Settings(lend_bodies=lend_bodies, min_rate=7), LocalCounts(), 3)
        assert issubclass(chosen, TusHttpProtocol)
        assert (chosen.hands_off, chosen.min_rate, chosen.servers) == (lend_bodies, 7, 3)


def test_a_secret_in_an_address_is_masked(tmp_path: Path) -> None:
    auth = {
        "jwks_url": "https://u:canary@example.org/keys?token=canary",
        "upload_token_secret": secrets.token_hex(32),
    }
    access = said(tmp_path, ours=True, auth=auth)["access"]
    assert "canary" not in access
    assert "https://********@example.org/keys?********" in access


def test_trailers_are_offered_where_the_connection_delivers_them(tmp_path: Path) -> None:
    assert "checksum-trailer" in said(tmp_path, ours=True)["tus"]
    assert "checksum-trailer" not in said(tmp_path, ours=True, behind_proxy=True)["tus"]
    assert "checksum-trailer" not in said(tmp_path, ours=False)["tus"]
