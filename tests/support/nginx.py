"""Run nginx in front of a server, with a server block of the test; nginx logs its answers."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from support.services import Service, free_port

PROXY: Final = """\
client_max_body_size 0;
client_body_timeout 300s;
proxy_request_buffering off;
proxy_buffering off;
proxy_http_version 1.1;
proxy_next_upstream off;
proxy_read_timeout 3600s;
proxy_send_timeout 3600s;
proxy_set_header Upgrade $http_upgrade;
proxy_set_header Connection $connection_upgrade;
proxy_set_header Host $http_host;
proxy_set_header X-Forwarded-Proto $scheme;
proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
location / {
    proxy_pass http://backend;
}
"""
"""What a server block needs for tusd-py, except where it listens."""


class Nginx(Service):
    """nginx on loopback: HTTP/1.1 and HTTP/2 over TLS, and plain HTTP/1.1.

    Its own TLS certificate is in ``certificate``.
    """

    def __init__(self, backend_port: int, block: str = PROXY) -> None:
        """Take the inside of the server block as ``block``; the upstream is called ``backend``."""
        super().__init__("nginx")
        self.plain_port = free_port()
        self.certificate = self.directory / "certificate.pem"
        write_certificate(self.certificate, self.directory / "key.pem")
        # When nginx runs as root, its workers run as a user that may not use our folder.
        user = "user root;" if os.getuid() == 0 else ""
        folders = "".join(
            f"{kind}_temp_path {self.directory}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        (self.directory / "nginx.conf").write_text(
            f"{user} daemon off; master_process off; error_log stderr; "
            f"pid {self.directory}/pid;\nevents {{}}\nhttp {{\n"
            "log_format seen '$server_protocol $request_method $status $request_length';\n"
            f"access_log {self.directory}/access.log seen;\n{folders}"
            "map $http_upgrade $connection_upgrade { default upgrade; '' ''; }\n"
            f"upstream backend {{ server 127.0.0.1:{backend_port}; keepalive 32; }}\n"
            f"server {{\nlisten 127.0.0.1:{self.port} ssl http2;\n"
            f"listen 127.0.0.1:{self.plain_port};\n"
            f"ssl_certificate {self.certificate};\nssl_certificate_key {self.directory}/key.pem;\n"
            f"{block}}}\n}}\n"
        )

    def command(self) -> Sequence[str]:
        return ("/usr/sbin/nginx", "-p", str(self.directory), "-c", "nginx.conf", "-e", "stderr")

    @property
    def url(self) -> str:
        """Return the HTTPS address, without a slash at the end."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def plain_url(self) -> str:
        """Return the HTTP address, without a slash at the end."""
        return f"http://127.0.0.1:{self.plain_port}"

    def seen(self) -> list[tuple[str, str, int, int]]:
        """Return protocol, method, status and bytes of each request, oldest first."""
        lines = (self.directory / "access.log").read_text().splitlines()
        return [
            (protocol, method, int(status), int(length))
            for protocol, method, status, length in map(str.split, lines)
        ]


def write_certificate(certificate: Path, key: Path) -> None:
    """Write a certificate for 127.0.0.1 that is signed by itself."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tusd-py test")])
    now = datetime.now(UTC)  # noqa: TID251  (the peer reads the machine's clock too)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
