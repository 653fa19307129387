"""One typed tree of settings; its sources are in ``settings/sources.py`` (requirement S21).

Its sections are in ``settings/sections.py``, the kinds of values in ``settings/values.py``.
"""

import os
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from tusd_py.domain.durations import WEEK_SECONDS
from tusd_py.protocol.host import is_loopback
from tusd_py.settings.media import MediaSettings
from tusd_py.settings.sections import (
    AuthSettings,
    ConnectionSettings,
    CorsSettings,
    HooksSettings,
    InstantSettings,
    JobSettings,
    LimitSettings,
    MysqlSettings,
    ObjectSettings,
    OssSettings,
    RabbitMqSettings,
    RedisSettings,
    S3Settings,
    ScanSettings,
    Section,
    WhitelistSettings,
)
from tusd_py.settings.values import GIB, Duration, HostName, ListenAddress, Size


class Settings(Section):
    """Everything that can be set."""

    host: str = Field(
        "127.0.0.1",
        description="Address to listen on; loopback only unless auth or allow_anonymous is set",
    )
    allow_anonymous: bool = Field(
        False,
        description="Listen on other addresses than loopback without authentication (auth): only where a proxy or a network keeps other clients out",
    )
    allowed_hosts: tuple[HostName, ...] = Field(
        (),
        description="Names, without a port, under which the server answers besides loopback names, host and the IP address that a connection came to; other names are refused (421) where no authentication (auth) is set, and everywhere once one is listed",
    )
    port: int = Field(8888, ge=0, le=65535, description="Port to listen on; 0: any free one")
    data_dir: Path = Field(Path("tusd-data"), description="Where everything is kept")
    base_path: str = Field(
        "/files/", pattern=r"^/([A-Za-z0-9._~-]+/)+$", description="Path of the tus endpoint"
    )
    max_size: Size = Field(10 * GIB, description="Largest upload; 0: unlimited")
    upload_expires: Duration = Field(
        float(WEEK_SECONDS),
        description="Unfinished uploads are removed after this time without a byte; 0: never",
    )
    idle_timeout: Duration = Field(
        60.0,
        gt=0,
        description="A body that is silent for this time is given up; its bytes are kept",
    )
    min_rate: Size = Field(
        256,
        description="Bytes a second that a body must bring over each idle_timeout, or it is given up; 0: any",
    )
    lend_bodies: bool = Field(
        True,
        description="Receive bodies in threads straight from the connection; off: the way of any ASGI server",
    )
    behind_proxy: bool = Field(False, description="Trust Forwarded and X-Forwarded-* headers")
    durability: Literal["finish", "strict", "off"] = Field(
        "finish",
        description="finish: every 2xx survives kill -9, the last 204 a power cut; strict: every 2xx a power cut; off: for benchmarks",
    )
    workers: int = Field(
        default_factory=lambda: os.cpu_count() or 1,
        ge=0,
        description="Jobs at the same time in this process; 0: no pipeline here",
    )
    worker_listen: ListenAddress = Field(
        "",
        description="host:port, or the path of a Unix socket, at which a worker process answers /healthz, /readyz and /metrics; empty: none",
    )
    monitoring_listen: ListenAddress = Field(
        "",
        description="host:port, or the path of a Unix socket, at which a server answers /readyz and /metrics (and /healthz too), which its own port then does not; empty: they are open to all clients that reach the port",
    )
    shutdown_timeout: Duration = Field(
        10.0, description="How long a stopping server waits for requests in flight"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="How much is logged"
    )
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="auto: text on a terminal, JSON elsewhere"
    )
    cors: CorsSettings = CorsSettings()
    traces: bool = Field(
        False,
        description="Send traces by OpenTelemetry (pip install 'tusd-py[otel]'); where to and how: its own variables, OTEL_EXPORTER_OTLP_ENDPOINT and others",
    )
    whitelist: WhitelistSettings = WhitelistSettings()
    instant: InstantSettings = InstantSettings()
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
    oss: OssSettings = OssSettings()
    s3: S3Settings = S3Settings()

    @property
    def object_store(self) -> Literal["local", "oss", "s3"]:
        """The store that ``objects.store`` names or lets be guessed."""
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
                "auth.upload_token_secret: is needed with instant.scope global, to keep the number of "
                "owners secret; openssl rand -hex 32 makes one, and instant.most_owners 0 needs none"
            )
        return self

    def loopback_only(self) -> bool:
        """Whether only this machine can reach ``host``."""
        return is_loopback(self.host)

    @property
    def lacks_identity(self) -> bool:
        """Whether ``auth.required`` is set, and neither a secret nor a key set is."""
        return self.auth.required and not self.auth.enabled

    def local_url(self, port: int) -> str:
        """Return the server's URL for programs on this machine, without a slash at the end."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    @property
    def open_to_strangers(self) -> bool:
        """Whether other machines can reach ``host``, and no authentication is set."""
        return not self.auth.enabled and not self.loopback_only()
