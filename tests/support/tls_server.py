"""Run the application in a uvicorn that ends TLS itself, as an application does that mounts it."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from starlette.applications import Starlette
from support.nginx import write_certificate
from support.own_files import ROOT
from support.services import Service

from tusd_py import Settings, create_app
from tusd_py.settings.access import CorsSettings


def app() -> Starlette:
    """Return the application on the directory that the process has for itself."""
    page = CorsSettings(allow_origins=("https://app.example.test",))
    return create_app(Settings(data_dir=Path("data"), workers=0, max_size=8 << 20, cors=page))


class TlsServer(Service):
    """A server whose own TLS certificate is in ``certificate``; ``files`` is for creations."""

    def __init__(self) -> None:
        super().__init__("tls")
        self.certificate = self.directory / "certificate.pem"
        write_certificate(self.certificate, self.directory / "key.pem")
        self.files = f"https://127.0.0.1:{self.port}/files/"

    def command(self) -> Sequence[str]:
        return (
            sys.executable, "-m", "uvicorn", "--factory", "support.tls_server:app",
            "--http", "tusd_py.ingest.uvicorn_protocol:TusHttpProtocol", "--port", str(self.port),
            "--ssl-certfile", "certificate.pem", "--ssl-keyfile", "key.pem",
        )  # fmt: skip

    def environment(self) -> Mapping[str, str]:
        return {**os.environ, "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT / 'deploy'}"}
