"""nginx with the configuration of a real deployment, save for the lines that are each site's own."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from topology.program import Program, listens

SITE: Final = Path(__file__).parents[1] / "nginx" / "tusd-py.conf"
MARK: Final = "# yours"
_DIRECTORIES: Final = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def site(shipped: str, own: Mapping[str, Sequence[str]]) -> str:
    """The shipped configuration with the lines marked as the site's own exchanged.

    Args: own: the whole lines for each directive, in order. A directive that has several marked
        lines gets all of its lines at the first.
    Raises: ValueError: a marked line has nothing to be exchanged for, or the other way round.
    """
    lines: list[str] = []
    exchanged: set[str] = set()
    for line in shipped.splitlines():
        directive = line.split(maxsplit=1)[0] if line.strip() else ""
        if MARK not in line or directive.startswith("#"):
            lines.append(line)
        elif directive not in own:
            raise ValueError(f"nothing to exchange {directive} for")
        elif directive not in exchanged:
            exchanged.add(directive)
            lines += own[directive]
    if exchanged != set(own):
        raise ValueError("a line to exchange is missing")
    return "\n".join(lines) + "\n"


def program(directory: Path, port: int, tls_port: int, servers: Sequence[int]) -> Program:
    """An nginx on loopback: HTTP/1.1 on ``port``, TLS with HTTP/2 on ``tls_port``, before servers on
    these ports; ``make_certificate`` comes first."""
    own = {
        "server": [
            f"    server 127.0.0.1:{server} max_fails=2 fail_timeout=1s;" for server in servers
        ],
        "listen": [
            f"    listen 127.0.0.1:{port};",
            f"    listen 127.0.0.1:{tls_port} ssl http2;",
        ],
        "server_name": ["    server_name localhost;"],
        "ssl_certificate": [f'    ssl_certificate "{directory}/certificate.pem";'],
        "ssl_certificate_key": [f'    ssl_certificate_key "{directory}/key.pem";'],
        # Here HTTP is served too, and a browser must not note that localhost has HTTPS alone.
        "if": [],
        "add_header": [],
    }

    def ready(pid: int, _output: str) -> bool:
        # Written once it listens: another server on this port would take connections too.
        told = directory / "nginx.pid"
        return (
            told.exists()
            and told.read_text().strip() == str(pid)
            and listens(port)
            and listens(tls_port)
        )

    return Program(
        command=("nginx", "-e", "stderr", "-p", str(directory), "-c", f"{directory}/nginx.conf"),
        directory=directory,
        environment=os.environ,
        files={"nginx.conf": _main(directory), "site.conf": site(SITE.read_text("utf-8"), own)},
        ready=ready,
    )


def _main(directory: Path) -> str:
    """What Debian's /etc/nginx/nginx.conf is to a real deployment."""
    temporary = "".join(f'    {name}_temp_path "{directory}/{name}";\n' for name in _DIRECTORIES)
    return (
        f"{'user root;' if os.geteuid() == 0 else ''}\n"
        "daemon off;\nworker_processes 2;\n"
        f'pid "{directory}/nginx.pid";\nerror_log stderr warn;\n'
        "events { worker_connections 1024; }\n"
        f'http {{\n    access_log off;\n{temporary}    include "{directory}/site.conf";\n}}\n'
    )


def make_certificate(directory: Path) -> None:
    """A certificate for this machine that its own key signed, once. Raises: CalledProcessError."""
    if (directory / "certificate.pem").exists():
        return
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
            "-nodes", "-days", "3650", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", str(directory / "key.pem"), "-out", str(directory / "certificate.pem"),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
