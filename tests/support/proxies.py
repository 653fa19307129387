"""Run the shipped files of proxies on loopback, with the lines marked "yours" replaced."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from support.own_files import ROOT
from support.services import Service, free_port
from topology import nginx


class ShippedProxy(Service):
    """A proxy in front of one server, over plain HTTP.

    ``url`` has no slash at its end, ``files`` is the address for creations.
    """

    program = ""
    file = ""
    replaced: Sequence[tuple[str, str]] = ()
    """Lines of the shipped file, each with what stands there in a test."""

    def __init__(self, server_port: int) -> None:
        super().__init__(self.program)
        self.url = f"http://127.0.0.1:{self.port}"
        self.files = f"{self.url}/files/"
        self._server_port = server_port
        self.write_files()

    def write_files(self) -> None:
        """Write the configuration into the directory."""
        text = (ROOT / "deploy" / self.file).read_text("utf-8")
        values = {"port": self.port, "server": self._server_port, "directory": self.directory}
        for line, instead in self.replaced:
            assert line in text, line
            text = text.replace(line, instead.format_map(values))
        (self.directory / Path(self.file).name).write_text(self.frame(text))

    def frame(self, text: str) -> str:
        """Return the whole configuration with the shipped part in it."""
        return text

    @property
    def binary(self) -> str:
        """Return the path of the program, which a test has checked to be there."""
        found = shutil.which(self.program)
        assert found is not None
        return found


class Nginx(ShippedProxy):
    program = "nginx"

    def write_files(self) -> None:
        nginx.make_certificate(self.directory)
        self._nginx = nginx.program(self.directory, self.port, free_port(), [self._server_port])
        for name, text in self._nginx.files.items():
            (self.directory / name).write_text(text)

    def command(self) -> Sequence[str]:
        return self._nginx.command


class HaProxy(ShippedProxy):
    program = "haproxy"
    file = "haproxy/haproxy.cfg"
    replaced = (
        ("    bind :80 # yours\n", "    bind 127.0.0.1:{port}\n"),
        (
            "    bind :443 ssl crt /etc/haproxy/certs/uploads.example.org.pem alpn h2,http/1.1 "
            "# yours\n",
            "",
        ),
        (
            "    http-request redirect scheme https code 308 unless { ssl_fc } # yours, where "
            "TLS ends before HAProxy\n",
            "",
        ),
        ("127.0.0.1:8888", "127.0.0.1:{server}"),
    )

    def command(self) -> Sequence[str]:
        return (self.binary, "-f", "haproxy.cfg", "-db")


class Apache(ShippedProxy):
    program = "apache2"
    file = "apache/tusd-py.conf"
    replaced = (
        ("<VirtualHost *:443> # yours", "<VirtualHost 127.0.0.1:{port}>"),
        ("    ServerName uploads.example.org # yours\n", "    ServerName localhost\n"),
        ("    SSLEngine on # yours\n", ""),
        ("    SSLCertificateFile    /etc/ssl/certs/uploads.example.org.pem # yours\n", ""),
        ("    SSLCertificateKeyFile /etc/ssl/private/uploads.example.org.key # yours\n", ""),
        ('"http://127.0.0.1:8888/"', '"http://127.0.0.1:{server}/"'),
        (" connectiontimeout=1 # yours", " connectiontimeout=1"),
    )
    _MODULES: Final = (
        "mpm_event", "authz_core", "headers", "alias", "proxy", "proxy_http", "reqtimeout",
    )  # fmt: skip

    def frame(self, text: str) -> str:
        modules = Path(self.binary).resolve().parents[1] / "lib" / "apache2" / "modules"
        loaded = "".join(
            f"LoadModule {name}_module {modules}/mod_{name}.so\n" for name in self._MODULES
        )
        # Started as root, Apache changes to a user that needs none of the directory.
        user = "User daemon\nGroup daemon\n" if os.getuid() == 0 else ""
        return (
            f"ServerRoot {self.directory}\nDefaultRuntimeDir {self.directory}\n"
            f"PidFile {self.directory}/pid\nErrorLog /dev/stderr\nServerName localhost\n{loaded}{user}"
            f"Listen 127.0.0.1:{self.port}\n{text}"
        )

    def command(self) -> Sequence[str]:
        return (self.binary, "-f", f"{self.directory}/tusd-py.conf", "-DFOREGROUND")


class Caddy(ShippedProxy):
    program = "caddy"
    file = "caddy/Caddyfile"
    replaced = (
        ("uploads.example.org { # yours", "http://127.0.0.1:{port} {{"),
        ("reverse_proxy 127.0.0.1:8888 { # yours", "reverse_proxy 127.0.0.1:{server} {{"),
    )

    def frame(self, text: str) -> str:
        return f"{{\nadmin off\nauto_https off\nstorage file_system {self.directory}\n}}\n{text}"

    def command(self) -> Sequence[str]:
        return (self.binary, "run", "--config", "Caddyfile", "--adapter", "caddyfile")


PROXIES: Final = {kind.program: kind for kind in (Nginx, HaProxy, Apache, Caddy)}
