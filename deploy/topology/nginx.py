"""Runs nginx with the configuration of a real deployment, except the lines of each site."""

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
    """Return the shipped configuration with the marked lines replaced.

    Args: own: the whole lines for each directive, in order. If a directive has several marked
        lines, all of its lines replace the first one.
    Raises: ValueError: there are no lines for a marked directive, or no marked directive for lines.
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
    """Return an nginx on loopback: HTTP/1.1 on ``port``, TLS with HTTP/2 on ``tls_port``.

    ``make_certificate`` must be called first. Args: servers: ports of the servers behind it.
    """
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
        # HTTP is served here too, and a browser must not remember that localhost uses only HTTPS.
        "if": [],
        "add_header": [],
    }

    def ready(pid: int, _output: str) -> bool:
        # nginx writes it when it listens; another server on this port would accept connections too.
        pid_file = directory / "nginx.pid"
        return (
            pid_file.exists()
            and pid_file.read_text().strip() == str(pid)
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
    """Return the main file, which is Debian's /etc/nginx/nginx.conf in a real deployment."""
    temporary = "".join(f'    {name}_temp_path "{directory}/{name}";\n' for name in _DIRECTORIES)
    return (
        f"{'user root;' if os.geteuid() == 0 else ''}\n"
        "daemon off;\nworker_processes 2;\n"
        f'pid "{directory}/nginx.pid";\nerror_log stderr warn;\n'
        "events { worker_connections 1024; }\n"
        f'http {{\n    access_log off;\n{temporary}    include "{directory}/site.conf";\n}}\n'
    )


def make_certificate(directory: Path) -> None:
    """Make a self-signed certificate for this machine, once. Raises: CalledProcessError."""
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
