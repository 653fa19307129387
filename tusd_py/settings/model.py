"""Defines the settings as one typed tree (requirement S21).

Their sources are in ``settings/sources.py``, the types of values in ``settings/values.py``. Each
section is in the module of its subject.
"""

from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from tusd_py.domain.durations import WEEK_SECONDS
from tusd_py.machine_limits import usable_cores
from tusd_py.protocol.host import is_loopback
from tusd_py.settings.acceptance import InstantSettings, WhitelistSettings
from tusd_py.settings.access import AuthSettings, CorsSettings
from tusd_py.settings.hooks import HooksSettings
from tusd_py.settings.jobs import JobSettings, ScanSettings
from tusd_py.settings.limits import ConnectionSettings, LimitSettings
from tusd_py.settings.media import MediaSettings
from tusd_py.settings.objects import ObjectSettings, OssSettings, S3Settings
from tusd_py.settings.page import PageSettings
from tusd_py.settings.section import Section
from tusd_py.settings.services import MysqlSettings, RabbitMqSettings, RedisSettings
from tusd_py.settings.shares import ShareSettings
from tusd_py.settings.values import GIB, Duration, HostName, ListenAddress, PublicUrl, Size

MOST_PROCESSES: Final = 64


class Settings(Section):
    """Holds all settings."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; loopback only unless auth or allow_anonymous is set",
    )
    allow_anonymous: bool = Field(
        False,
        description=(
            "Listen on other addresses than loopback without authentication (auth); set it only "
            "where a proxy or the network keeps other clients out"
        ),
    )
    allowed_hosts: tuple[HostName, ...] = Field(
        (),
        description=(
            "Host names, without a port, under which the server answers in addition to loopback "
            "names, host and the IP address to which a connection came. Other names are refused "
            "(421) if no authentication (auth) is set, or if a name is listed here"
        ),
    )
    port: int = Field(8888, ge=0, le=65535, description="Port to listen on; 0: any free port")
    data_dir: Path = Field(Path("tusd-data"), description="Directory of all data")
    base_path: str = Field(
        "/files/", pattern=r"^/([A-Za-z0-9._~-]+/)+$", description="Path of the tus endpoint"
    )
    max_size: Size = Field(10 * GIB, description="Largest upload; 0: unlimited")
    upload_expires: Duration = Field(
        float(WEEK_SECONDS),
        description="Time without a byte after which an unfinished upload is removed; 0: never",
    )
    idle_timeout: Duration = Field(
        60.0,
        gt=0,
        description="Time without a byte after which a body is given up; its bytes are kept",
    )
    min_rate: Size = Field(
        256,
        description=(
            "Bytes a second that must arrive of a body in each period of idle_timeout, otherwise "
            "it is given up; 0: any"
        ),
    )
    lend_bodies: bool = Field(
        True,
        description=(
            "Receive bodies in threads, directly from the socket; off: through ASGI, as with "
            "other servers"
        ),
    )
    behind_proxy: bool = Field(
        False,
        description=(
            "Trust Forwarded and X-Forwarded-Host, -Proto, -Port and -Prefix; clients must not be "
            "able to reach the server without the proxy"
        ),
    )
    public_url: PublicUrl = Field(
        "",
        description=(
            "Address at which clients see the server's root, e.g. https://example.org or "
            "https://example.org/uploads, whose path proxies may take away or leave. Location and "
            "links begin with it, whatever proxies say; its host is one of allowed_hosts. Empty: "
            "by each request"
        ),
    )
    interim_responses: Literal["direct", "always", "never"] = Field(
        "direct",
        description=(
            "When a client that resumes uploads by the IETF's draft gets 104 (Upload Resumption "
            "Supported). direct: not through a proxy that shows itself, or with behind_proxy; "
            "always: also there, if every proxy passes it (nginx does not); never"
        ),
    )
    durability: Literal["finish", "strict", "off"] = Field(
        "finish",
        description=(
            "finish: bytes of every 2xx survive kill -9, a finished upload survives a power "
            "failure; strict: bytes of every 2xx survive a power failure; off: for benchmarks"
        ),
    )
    workers: int = Field(
        default_factory=usable_cores,
        ge=0,
        description="Number of jobs that run at the same time in this process; 0: it runs no jobs",
    )
    processes: int = Field(
        1,
        ge=0,
        le=MOST_PROCESSES,
        description=(
            "Number of server processes on the port (Linux only); 0: one for each core that the "
            "service may use. Unless it is 1, a parent process replaces those that die, SIGHUP "
            "replaces all of them one after another, and the jobs run in a process of their own"
        ),
    )
    worker_listen: ListenAddress = Field(
        "",
        description=(
            "host:port, or the path of a Unix socket, at which a worker process answers /healthz, "
            "/readyz and /metrics; empty: none"
        ),
    )
    monitoring_listen: ListenAddress = Field(
        "",
        description=(
            "host:port, or the path of a Unix socket, at which a server answers /healthz, /readyz "
            "and /metrics; its own port then answers only /healthz of them. Empty: they are open "
            "to all clients that reach the port"
        ),
    )
    shutdown_timeout: Duration = Field(
        10.0, description="Time for which a server that stops waits for requests in progress"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level that is logged"
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="auto: text on a terminal, JSON elsewhere"
    )
    cors: CorsSettings = CorsSettings()
    traces: bool = Field(
        False,
        description=(
            "Send traces by OpenTelemetry (pip install 'tusd-py[otel]'); its own variables, "
            "OTEL_EXPORTER_OTLP_ENDPOINT and others, set where and how"
        ),
    )
    whitelist: WhitelistSettings = WhitelistSettings()
    instant: InstantSettings = InstantSettings()
    page: PageSettings = PageSettings()
    limits: LimitSettings = LimitSettings()
    connections: ConnectionSettings = ConnectionSettings()
    media: MediaSettings = MediaSettings()
    scan: ScanSettings = ScanSettings()
    jobs: JobSettings = JobSettings()
    auth: AuthSettings = AuthSettings()
    hooks: HooksSettings = HooksSettings()
    mysql: MysqlSettings = MysqlSettings()
    redis: RedisSettings = RedisSettings()
    rabbitmq: RabbitMqSettings = RabbitMqSettings()
    objects: ObjectSettings = ObjectSettings()
    shares: ShareSettings = ShareSettings()
    oss: OssSettings = OssSettings()
    s3: S3Settings = S3Settings()

    @property
    def object_store(self) -> Literal["local", "oss", "s3"]:
        """Return the store of ``objects.store``; for ``auto``, the one that has a bucket."""
        if self.objects.store != "auto":
            return self.objects.store
        if self.oss.bucket_name:
            return "oss"
        return "s3" if self.s3.bucket else "local"

    @model_validator(mode="after")
    def _one_store(self) -> Self:
        named = bool(self.oss.bucket_name), bool(self.s3.bucket)
        if self.objects.store == "auto" and all(named):
            raise ValueError("objects.store: both oss and s3 name a bucket; say which one it is")
        for store, bucket, there in (("oss", "bucket_name", named[0]), ("s3", "bucket", named[1])):
            if self.objects.store == store and not there:
                raise ValueError(f"{store}.{bucket}: is needed with objects.store {store}")
        if self.object_store == "oss" and not self.oss.region:
            raise ValueError("oss.region: is needed, e.g. oss-cn-beijing (OSS_REGION)")
        return self

    @model_validator(mode="after")
    def _own_secret(self) -> Self:
        if self.auth.jwks_url and not self.auth.grant_secret():
            raise ValueError(
                "auth.upload_token_secret: is needed with auth.jwks_url, to sign upload tokens; "
                "openssl rand -hex 32 makes one"
            )
        hidden = self.instant.scope == "global" and self.instant.most_owners > 0
        if hidden and not self.auth.grant_secret():
            raise ValueError(
                "auth.upload_token_secret: is needed with instant.scope global, to keep the number "
                "of owners secret; openssl rand -hex 32 makes one, and instant.most_owners 0 needs "
                "none"
            )
        return self

    def loopback_only(self) -> bool:
        """Return whether only this machine can reach ``host``."""
        return is_loopback(self.host)

    @property
    def lacks_identity(self) -> bool:
        """Return whether ``auth.required`` is set without a secret or a key set."""
        return self.auth.required and not self.auth.enabled

    def local_url(self, port: int) -> str:
        """Return the server's URL for programs on this machine, without a slash at the end."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def open_to_strangers(self) -> bool:
        """Return whether other machines can reach ``host``, and no authentication is set."""
        return not self.auth.enabled and not self.loopback_only()
